package main

import (
	"os"
	"runtime/debug"
)

// softMemoryLimit is what the garbage collector tries to stay below. The bounds
// on documents under way allow for less than half of it; without a limit the
// collector would let the heap grow to twice what is alive before it runs.
const softMemoryLimit = 96 << 20

// limitMemory keeps the process small unless the user has other wishes.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemoryLimit)
	}
}
