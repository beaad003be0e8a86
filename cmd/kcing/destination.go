package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/state"
)

// checkDestination warns when the state file belongs to other indices than those
// that are fed now: what is finished there is skipped here. A file in which
// nothing is finished belongs to these from now on. Nothing of that is a reason to
// fail.
func (s *settings) checkDestination(ctx context.Context, client *elastic.Client, store *state.Store,
	log *slog.Logger,
) {
	info, err := client.Info(ctx)
	if err != nil {
		return // who delivers will say so
	}
	here := state.Destination{Cluster: info.UUID, Prefix: s.prefix}
	before, known, err := store.Destination(ctx)
	if err != nil || known && before == here {
		return
	}
	counts, err := store.Counts(ctx)
	if err != nil {
		return
	}
	differs := before.Prefix != here.Prefix || before.Cluster != "" && here.Cluster != ""
	if n := total(counts.Finished); known && differs && n > 0 {
		log.Warn(fmt.Sprintf("the state file %s belongs to %s, not to %s: what is finished in it is skipped; "+
			"give each its own file (--db, KCING_DB), or store it here too: kcing feed --force",
			s.db, destinationText(before, here), destinationText(here, before)), "finished", n)
		return
	}
	keepDestination(ctx, store, here, log)
}

// takeDestination is checkDestination for a run that skips nothing: the state file
// belongs to where it feeds from now on.
func (s *settings) takeDestination(ctx context.Context, client *elastic.Client, store *state.Store,
	log *slog.Logger,
) {
	if info, err := client.Info(ctx); err == nil {
		keepDestination(ctx, store, state.Destination{Cluster: info.UUID, Prefix: s.prefix}, log)
	}
}

func keepDestination(ctx context.Context, store *state.Store, d state.Destination, log *slog.Logger) {
	if err := store.SetDestination(ctx, d); err != nil {
		log.Warn("the state file cannot keep where its records are", "error", err)
	}
}

// destinationText says in what a destination differs from another.
func destinationText(d, other state.Destination) string {
	switch {
	case d.Prefix != other.Prefix && d.Prefix == "":
		return "indices without a prefix"
	case d.Prefix != other.Prefix:
		return "indices with the prefix " + d.Prefix
	}
	return "the Elasticsearch cluster " + printable(d.Cluster)
}
