// Package manual makes the manual page and the shells' completions of a command line program from its definition for
// urfave/cli. They are whole texts: nothing runs the program while somebody types.
//
// The caveat: what the library's own generators leave out (descriptions of commands, variables of flags) or have wrong
// (an alias such as --space is a short option in its completion of fish, and no flag takes a file there) is the reason for
// this package; flags are shown as the program's --help shows them, by their usage with a `VALUE` in it.
package manual
