// Package source produces records: payloads with a name by which a person finds
// them again. It reads files, folders and standard input.
//
// It does not look into the payloads beyond finding where one ends, does not
// know what is finished, and keeps nothing.
//
// The caveat that bites: emit blocks while the pipeline is full, and nothing is
// read meanwhile.
package source
