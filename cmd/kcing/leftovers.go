package main

import (
	"fmt"
	"log/slog"

	"github.com/kcing/kcing/internal/serve"
)

// printLeftovers says what became of records that others had left in the spool.
func (a *app) printLeftovers(l *serve.Leftovers) {
	switch left := l.Left(); {
	case l.Len() == 0:
	case left == 0:
		a.say("of these, %s had been left in the spool by processes that are gone", plural(l.Len(), "record"))
	default:
		a.say("%s had been left in the spool by processes that are gone; %s still there", plural(l.Len(), "record"), isOrAre(left))
	}
}

func isOrAre(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

func closeLeftovers(l *serve.Leftovers, log *slog.Logger) {
	if err := l.Close(); err != nil {
		log.Error("the spool was not left in good order; what is finished there is found so by the next run", "error", err)
	}
}
