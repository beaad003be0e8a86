// Package maestrotest is a stand-in for the Maestro API and its file storage, for
// tests: it answers as a real kernelci-api was seen to, in what is odd too (no
// order but that of insertion, empty answers to unknown filters, 500 for a
// client's own fault), and can be told to fail. It is not for production, has no
// events, and checks no token.
//
// The caveat that bites: nodes keep their place for ever, so a page shifts only
// when a node before it leaves what is asked for ([Server.Touch]).
package maestrotest
