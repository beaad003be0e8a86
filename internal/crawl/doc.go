// Package crawl downloads what an [Origin] lists into the spool, and hands what
// waits there to the pipeline as a source of records. It is not a scheduler, and it
// knows no origin: those are packages of their own (internal/maestro,
// internal/legacy, internal/lavarest).
//
// What was finished before is not downloaded again. A run that was killed
// left its downloads in the spool, and the next one goes on without downloading
// them a second time. What cannot be downloaded is remembered as a
// failure and tried by the next runs.
//
// The caveat that bites: [Crawler.Close] has to be called after the pipeline's
// run, with its error: only then is it known whether the cursor may move.
package crawl
