// Package bulkbench compares package bulk with esutil.BulkIndexer and
// go-docappender at equal settings: 1000 documents of 753 bytes a request, four
// requests in flight, no compression. It is a module of its own so that kcing
// does not depend on what it compares itself with.
//
//	go test -v -bench . -benchtime 100000x ./...
//
// compares them over a server in this process, and with ELASTICSEARCH_URL over
// that real one, too; and what memory each takes when the server stalls.
//
// What the numbers do not say: only bulk gives each document an outcome after
// retries; esutil calls OnSuccess or OnFailure once, docappender reports counts,
// and its Appender takes no ids at all.
package bulkbench
