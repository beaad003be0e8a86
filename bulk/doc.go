// Package bulk delivers documents to Elasticsearch through the _bulk API and
// gives each accepted document exactly one outcome: Stored, Duplicate, Rejected
// or Undelivered.
//
// It is not a queue on disk (what is Undelivered must still be held by the
// caller), not a search client, and it does not make ids: the caller's ids are
// what makes sending twice harmless, so every document must have one, and the
// same document must always have the same one.
//
// # Memory
//
// Add copies the body into the request that is being filled, so the caller may
// reuse its buffer as soon as Add returns. Nothing else is kept: memory is the
// bytes of the documents without an outcome, and Add blocks while they exceed
// Options.MaxPendingBytes.
//
// # Caveats
//
//   - Result.Doc.Body is a slice of the request's payload. It is valid only
//     during the callback; copy it to keep it.
//   - All callbacks run on one goroutine, one after the other. A slow callback
//     slows delivery down (Add blocks, memory stays bounded). A callback must call
//     neither Add nor Close, nor wait for a goroutine that may be blocked in
//     Add: they wait until callbacks return.
//   - Undelivered says "not known to be stored", not "not stored": a request
//     whose answer was lost may have been carried out.
//   - The client under the Transport must not retry (DisableRetry) nor compress
//     by itself: this package owns both.
package bulk
