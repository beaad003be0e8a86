// Command kcing feeds KernelCI records into Elasticsearch. This package holds
// flags, wiring and exit codes; what kcing does is in the packages it imports.
package main

import "os"

func main() {
	limitMemory()
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
