package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/kcing/kcing/internal/kinds"
	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/source"
)

// allPaths are the files and folders that arguments and flags name.
func (f *feedArgs) allPaths() []source.Path {
	var paths []source.Path
	for _, p := range f.paths {
		paths = append(paths, source.Path{Name: p, Kind: f.kind})
	}
	for _, list := range []struct {
		kind  string
		names []string
	}{{kinds.Build, f.builds.Value()}, {kinds.Boot, f.boots.Value()}, {kinds.LAVA, f.lavas.Value()}} {
		for _, p := range list.names {
			paths = append(paths, source.Path{Name: p, Kind: list.kind})
		}
	}
	return paths
}

// files is the source that reads the paths.
func (a *app) files(f *feedArgs, paths []source.Path, log *slog.Logger, unreadable *int) (*source.Files, error) {
	files := &source.Files{Paths: paths, Stdin: a.stdin, MaxRecordBytes: int64(f.settings.maxRecordBytes),
		Unreadable: func(path string, err error) {
			*unreadable++
			log.Error("cannot read", "source", path, "error", err)
		},
		Empty: func(path string) {
			log.Warn("nothing to feed in this folder", "folder", path, "read are", source.FolderFiles)
		}}
	if slices.ContainsFunc(paths, func(p source.Path) bool { return p.Name == "-" }) {
		files.Stdin = a.input("records")
	}
	if err := files.Check(); err != nil {
		return nil, &exitError{code: exitFailed, msg: fmt.Sprintf("nothing was fed: %v", err)}
	}
	return files, nil
}

// feedFiles feeds files, and before them what others have left in the spool.
func (a *app) feedFiles(ctx context.Context, f *feedArgs, files *source.Files, config pipeline.Config,
	unreadable *int,
) error {
	r, err := a.openFeed(ctx, f, config)
	if err != nil {
		return err
	}
	defer r.close()
	leftovers, err := r.takeLeftovers(ctx)
	if err != nil {
		return err
	}
	records := countRecords(ctx, files.Paths)
	if records >= 0 {
		records += int64(leftovers.found)
	}
	report, err := r.deliver(ctx, inTurn{leftovers, files}, always(records))
	leftovers.queue.Flush()
	done := fed{Report: report, unreadable: *unreadable, err: err}
	done.pending = pendingIn(files.Paths, records, report, *unreadable)
	err = r.conclude(done, feedJSON{Report: report, Unreadable: *unreadable, Resumed: leftovers.found}, func() {
		a.printFed(done, "there was nothing to feed")
		a.printLeftovers(leftovers.found, r.spool.Stats().Records)
	})
	r.save(ctx, err)
	return err
}

// inTurn are sources, one after the other.
type inTurn []pipeline.Source

// Run implements [pipeline.Source].
func (s inTurn) Run(ctx context.Context, emit source.Emit) error {
	for _, each := range s {
		if err := each.Run(ctx, emit); err != nil {
			return err
		}
	}
	return nil
}

// pendingIn says how many records are not finished and in which paths they are.
// Of a run that ended early that includes the ones that were not read any more.
func pendingIn(paths []source.Path, records int64, r pipeline.Report, unreadable int) string {
	n := r.Pending
	if left := records - (r.Records - r.Pending) - int64(unreadable); left > n {
		n = left
	}
	var names []string
	for _, p := range paths {
		name := p.Name
		if name == "-" {
			name = "standard input"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	const most = 3
	where := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		where += fmt.Sprintf(" and %d more", len(names)-most)
	}
	if n == 0 {
		return "nothing that was read is pending"
	}
	return fmt.Sprintf("%s pending in %s; run the same command again to go on", plural(n, "record"), where)
}
