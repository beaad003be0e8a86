// Package serve is what happens to records that were posted: each is made
// durable in the spool before anybody is told that it was taken, delivered to
// Elasticsearch in the background, and removed from the spool when state has it
// as finished. It also delivers what processes that are gone have left there.
//
// It speaks no HTTP (internal/intake does), has no settings, and opens neither
// spool nor state.
//
// The caveat that bites: a delivery that fails as a whole (credentials refused,
// a state file that cannot be written) does not end it. It goes on taking records
// in until the spool is full, and says why in Ready, Status and one log line; so
// somebody has to look at /readyz.
package serve
