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
	here := s.destination(client)
	before, known, err := store.Destination(ctx)
	if err != nil || known && before == here {
		return
	}
	var finished int64
	if known && (before.Prefix != here.Prefix || before.Cluster != "" && here.Cluster != "") {
		counts, err := store.Counts(ctx)
		if err != nil {
			return
		}
		finished = total(counts.Finished)
	}
	if finished > 0 {
		log.Warn(fmt.Sprintf("the state file %s belongs to %s, not to %s: what is finished in it is skipped; "+
			"give each its own file (--db, KCING_DB), or store it here too: kcing feed --force",
			s.db, destinationText(before, here), destinationText(here, before)), "finished", finished)
		return
	}
	keepDestination(ctx, store, here, log)
}

// destination is where this command delivers to. The client has been checked.
func (s *settings) destination(client *elastic.Client) state.Destination {
	return state.Destination{Cluster: client.ClusterUUID(), Prefix: s.prefix}
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
