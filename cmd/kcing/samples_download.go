package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dustin/go-humanize"
	"golang.org/x/sync/errgroup"

	"github.com/kcing/kcing/internal/crawl"
)

// download is what a download of samples did.
type download struct {
	written map[string]int64 // by kind
	present int64            // before
	failed  int64
}

func (a *app) downloadSamples(ctx context.Context, o *samplesArgs, log *slog.Logger) error {
	origins, err := o.crawled.origins(a, &o.settings, "", log)
	if err != nil {
		return err
	}
	if len(origins) > 1 { // job numbers, and with them file names, are unique in one lab only
		return usagef("samples are of one lab, and --lava-url (LAVA_URL) has %d", len(origins))
	}
	from := origins[0]
	kinds, err := o.crawled.kinds(from)
	if err != nil {
		return err
	}
	if err := from.reach(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o750); err != nil {
		return fmt.Errorf("--samples-dir: %w", err)
	}
	var listed, present atomic.Int64
	listed.Store(-1)
	stopProgress := a.showDownload(o.crawled.source, &listed, &present)
	items, err := crawl.Newest(ctx, crawl.Options{
		Site: from.site, Kinds: kinds, HowMany: o.size, Since: o.crawled.since, Now: a.now,
	})
	if err != nil {
		stopProgress()
		return err
	}
	listed.Store(int64(len(items)))
	done, err := o.write(ctx, items, &present, log)
	stopProgress()
	if err != nil {
		return fmt.Errorf("%w; run the same command again to go on", err)
	}
	if total(done.written)+done.failed == 0 {
		a.say("nothing to do: all %s that are listed are in %s", humanize.Comma(done.present), o.dir)
		return nil
	}
	a.say("%s downloaded to %s: %s; %d were there",
		plural(total(done.written), "record"), o.dir, eachKind(done.written), done.present)
	if done.failed > 0 {
		return &exitError{code: exitRejects, msg: plural(done.failed, "record") + " could not be downloaded"}
	}
	return nil
}

// write downloads the items that have no file yet; present counts all that have one.
func (o *samplesArgs) write(ctx context.Context, items []crawl.Item, present *atomic.Int64,
	log *slog.Logger,
) (download, error) {
	done := download{written: map[string]int64{}}
	var mu sync.Mutex // of what done has of downloads
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, it := range items {
		path := filepath.Join(o.dir, sampleName(it))
		if _, err := os.Stat(path); err == nil {
			done.present++
			present.Add(1)
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			group.Go(func() error { return err }) // what is under way is waited for
			break
		}
		group.Go(func() error {
			payload, err := it.Fetch(ctx)
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case errors.Is(err, crawl.ErrStop):
				return err
			case err != nil:
				log.Warn("cannot download", "source", it.Name, "error", err)
				mu.Lock()
				defer mu.Unlock()
				done.failed++
				return nil
			}
			if err := writeWhole(path, payload, 0o644); err != nil {
				return err
			}
			present.Add(1)
			mu.Lock()
			defer mu.Unlock()
			done.written[it.Kind]++
			return nil
		})
	}
	err := group.Wait()
	return done, err
}

// sampleName is the file name that the first kcing gave to it. What an id may
// hold besides letters and digits is escaped.
func sampleName(it crawl.Item) string {
	return it.Kind + "_" + strings.ReplaceAll(url.QueryEscape(it.ID), "%2F", "_") + ".json"
}

type samplesArgs struct {
	settings  settings
	crawled   sourceArgs
	dir       string
	size      int
	seed      uint64
	synthetic bool
	ifEmpty   bool
	logLines  string
}
