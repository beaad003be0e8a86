// Package fetch downloads over HTTP, politely: few requests at a time, patient
// after a Retry-After, with jittered pauses and a bounded number of tries. It is
// no crawler and keeps nothing: each call returns a body whole, or an error.
//
// The caveat that bites: an error never holds a URL's password or query, so it
// cannot be used to find out with which token a request was made.
package fetch
