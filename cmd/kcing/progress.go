package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"

	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/source"
)

// How often progress is shown: as a bar on a terminal, as a line elsewhere.
const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 10 * time.Second
)

// showProgress shows how a run goes until the returned function is called.
// records is how many there will be, negative when that is not known.
func (a *app) showProgress(s *settings, p *pipeline.Progress, records int64, log *slog.Logger) (stop func()) {
	if s.noProgress {
		return func() {}
	}
	if a.stderr.isTerminal() && s.logFormat == "text" {
		return a.showBar(p, records)
	}
	return each(lineEvery, func() {
		args := []any{"records", p.Settled.Load(), "read", p.Records.Load(), "documents", p.Documents.Load(), "bytes", p.Bytes.Load()}
		if records >= 0 {
			args = append(args, "of", records)
		}
		log.Info("feeding", args...)
	})
}

func (a *app) showBar(p *pipeline.Progress, records int64) (stop func()) {
	of := ""
	if records >= 0 {
		of = "/" + humanize.Comma(records)
	}
	bar := progressbar.NewOptions64(records, progressbar.OptionSetWriter(a.stderr.out), progressbar.OptionSetWidth(16),
		progressbar.OptionSetElapsedTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(barEvery/2))
	started := time.Now()
	draw := func() {
		rate := float64(p.Bytes.Load()) / 1e6 / max(time.Since(started).Seconds(), 0.001)
		bar.Describe(fmt.Sprintf("%s%s records, %s documents, %.1f MB/s", humanize.Comma(p.Settled.Load()), of, humanize.Comma(p.Documents.Load()), rate))
		if records < 0 || p.Settled.Load() < records { // a full bar would take itself for finished
			_ = bar.Set64(p.Settled.Load())
		}
	}
	takeOff := func() { _ = bar.Clear() }
	stopDrawing := each(barEvery, func() { a.stderr.show(draw, takeOff) })
	return func() {
		stopDrawing()
		a.stderr.close()
	}
}

// each calls show now and then until stop is called.
func each(every time.Duration, show func()) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				show()
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

// countRecords counts the files that will be read, -1 when standard input is
// among the paths. It is only for people to see how far a run has got.
func countRecords(ctx context.Context, paths []source.Path) (n int64) {
	for _, p := range paths {
		if p.Name == "-" {
			return -1
		}
		if info, err := os.Stat(p.Name); err != nil || !info.IsDir() {
			n++
			continue
		}
		_ = filepath.WalkDir(p.Name+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && source.IsRecordFile(path) {
				n++
			}
			return ctx.Err()
		})
	}
	return n
}
