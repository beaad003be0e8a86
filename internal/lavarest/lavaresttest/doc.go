// Package lavaresttest is a stand-in for a LAVA server's REST API, with the traps
// of a real one: filters and orderings that it does not know are ignored, equal
// times have no order, the link to the next page leads to a host inside, a
// compressed log is cut unless lines are asked for, a wrong token is a 403 and
// another scheme none at all. It is for tests, of this package and of others.
//
// The caveat that bites: a GET of /jobs/N/cancel/ cancels the job, as in LAVA;
// [Server.Cancels] counts them.
package lavaresttest
