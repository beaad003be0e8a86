// Package mappings owns the names of kcing's indices, their index templates and
// how long they live. It does not write documents and it does not wait or retry:
// a call is one or a few requests, and its error says what to do.
//
// The caveat that bites: a template is read only when an index is created. An
// index that is already there keeps its old mapping, so a changed template
// counts from the next day's index on.
package mappings
