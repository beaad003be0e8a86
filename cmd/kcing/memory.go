package main

import (
	"os"
	"runtime/debug"
)

// softMemoryLimit is what the garbage collector tries to stay below. The bounds
// on documents under way allow for less than half of it; without a limit the
// collector would let the heap grow to twice what is alive before it runs.
const softMemoryLimit = 96 << 20

// collectAt lets the heap grow to five times what is alive, as long as that is
// below the limit: what is alive is little, and what a record leaves behind much.
// Collecting at twice of it costs 3 to 7 % more CPU in a dry run.
const collectAt = 400

// steadyMemory keeps the heap closer to what is alive, for work that waits for
// the network more than for the collector.
func steadyMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(40)
	}
}

// limitMemory keeps the process small unless the user has other wishes.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
}
