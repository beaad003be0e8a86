package main

import (
	"os"
	"runtime/debug"

	"github.com/kcing/kcing/internal/pipeline"
)

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
		debug.SetMemoryLimit(pipeline.HeapLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(pipeline.CollectAt)
	}
}
