// Package state remembers, durably and in one bbolt file, which records are
// finished, what was refused, where a crawl stands, and when a record without
// a time of its own was received. It does not deliver anything and knows
// nothing of Elasticsearch.
//
// # Caveats
//
// The file is shared by several processes, so a [Store] holds it only while it
// is used and for a short lease after. Every call may therefore wait for
// another process, up to [Options.Wait], and then return a [*LockedError].
// A call that returned nil is on the disk; a call that returned an error
// stored nothing the caller may rely on.
//
// bbolt's pages have no checksums. What makes no sense becomes a
// [*CorruptError] where it is met, but only [Check] looks at everything.
//
// Losing the file loses no documents: ids are deterministic, so feeding again
// stores nothing twice. It does lose the rejects, which exist nowhere else.
//
// Times are kept to the millisecond, in UTC.
//
// # Layout, schema 1
//
//	meta      "schema" → version, "destination" → JSON
//	finished  kind 00 id → flags, digest, record time, time finished, counts
//	receipts  kind 00 id → time of receipt
//	days      day, 'f' or 'r', kind 00 id → nothing (index of the two above, for Prune)
//	rejects   reject id → JSON without the body
//	bodies    reject id → encoding, length, bytes
//	rejtime   time of receipt, reject id → nothing (index, for listing in order)
//	rejkey    hash of kind and record key, reject id → nothing (index, for Lookup)
//	counts    what is counted → number (so that a count does not cost a scan)
//	cursors   name → position
//	runs      command → JSON
//	crawled   source 00 item key → JSON (items at an origin that are done with)
//	unfetched source 00 item key → JSON (items that could not be downloaded)
//	begun     kind 00 id → level, digest, time (records that are being stored)
//	blocks    number → bodies of one record's rejects, packed together; number 'n' → how many use it
//	nodes     Maestro node → kind 00 id of the record that holds its job
//
// The last five came later: a file without them is whole, and gets them when it
// is next written.
package state
