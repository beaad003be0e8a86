// Package legacy lists what the web front end of the first KernelCI knows, and
// finds the files behind it on its storage server. kernelci.org has retired it;
// private mirrors still run it. It downloads nothing by itself and remembers
// nothing.
//
// The caveat that bites: storage keeps one file for each lab and board, so a
// job that was run twice shows only its last callback.
package legacy
