// Package intake is the HTTP side of kcing serve: listeners that take KernelCI
// builds, boots and LAVA callbacks as Logstash's inputs did, and answer 200 only
// after Config.Accept has made the record durable. It also has the pages for
// machines and people: /healthz, /readyz, /metrics and /status.
//
// It stores nothing, does not look into a record, and knows no Elasticsearch.
//
// The caveat that bites: LAVA posts a callback once and forgets it, whatever the
// answer. So Accept is called with a context that outlives the client's
// connection, and a 503 is a lost callback unless something else posts it again.
//
// What LAVA sends: NotificationCallback.invoke_callback in
// lava_scheduler_app/models.py of https://gitlab.com/lava/lava.
package intake
