// Package spool keeps records on disk between the moment they are accepted and
// the moment they are finished: one file a record, header line and bytes, each
// durable before Put returns. A [Queue] has the order in which they are delivered,
// and removes those that are settled. It knows no Elasticsearch, and what is
// finished only when its user says so.
//
// Several processes share a directory. Each has an owner id, locked for as long
// as it lives, and works on its own records only; [Spool.Adopt] takes over those
// of processes that are gone.
//
// The caveat that bites: delivery is at least once. A record that was delivered
// and not yet removed when the process was killed comes again, and so does one
// whose removal a power cut undid. The locks are flock(2): the directory belongs
// on a disk of this machine.
package spool
