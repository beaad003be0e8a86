// Package transform turns one KernelCI record (the JSON of a build, a boot, a
// LAVA callback, or a build or job of Maestro's) into flat Elasticsearch documents with deterministic ids.
//
// It is pure: no clock, no I/O, no logging. It does not know index names, does
// not deliver anything and does not remember anything.
//
// The caveat that bites: [Documents] reuses its buffers. What [Documents.All]
// yields is valid until the loop goes on to the next document, and a [Record]
// refers to the payload it was parsed from.
//
// What the documents hold follows what the Logstash pipeline of the first kcing
// wrote; names of LAVA things are those of LAVA's callback
// (https://docs.lavasoftware.org/lava/user-notifications.html).
package transform
