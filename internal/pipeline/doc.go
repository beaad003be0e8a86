// Package pipeline joins a source to Elasticsearch: it turns each record into
// documents, hands them to the bulk indexer, and tells the ledger that a record
// is finished when each of its documents has an outcome and not before.
//
// It opens nothing and decides nothing about settings; everything comes with
// [Config].
//
// The caveat that bites: a record whose documents were not all settled (lost
// connection, interruption, a ledger that cannot be written) stays unfinished
// and is sent again by the next run. Ids are deterministic, so that is harmless.
package pipeline
