// Package estest starts a real Elasticsearch for tests and for make es-up: in a JVM from the jars on Maven Central
// (tools/elasticsearch) where it was built before or Java and Maven are there, else in a container. It is not a fake
// and not for production: security is off, and in a JVM scripts, ingest pipelines, ILM and data streams are missing
// because their jars are not published. The caveat that bites: a server lives only as long as the process that
// started it, so that no test leaves a JVM behind; only "es up" starts one that stays.
//
// Environment:
//
//	ELASTICSEARCH_URL            Shared uses this server instead of starting one
//	KCING_ES                     "jvm" or "docker" forces one way; otherwise Docker when Java or Maven is missing
//	KCING_ES_CACHE               where the built server is kept (default: the user's cache directory)
//	CI, KCING_REQUIRE_ELASTICSEARCH  non-empty: a missing Java or Maven fails the test instead of skipping it
package estest
