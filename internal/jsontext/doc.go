// Package jsontext reads and writes JSON as text: a walk through what is known to be
// valid, and strings with their escapes. The values of a record are megabytes of
// which kcing carries most over as they stand; encoding/json and gjson would decode
// and copy each of them first.
package jsontext
