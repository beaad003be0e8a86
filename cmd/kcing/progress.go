package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/source"
)

// How often progress is shown: as a bar on a terminal, as a line elsewhere.
const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 10 * time.Second
)

// showProgress shows how a run goes until the returned function is called.
// records says how many there will be, negative when that is not known.
// Then warnings that were held back are told.
func (a *app) showProgress(s *settings, p *pipeline.Progress, records func() int64, log *slog.Logger) (stop func()) {
	stopShowing := a.progress(s, p, records, log)
	return func() {
		stopShowing()
		if a.endWarnings != nil {
			a.endWarnings()
		}
	}
}

func always(records int64) func() int64 { return func() int64 { return records } }

func (a *app) progress(s *settings, p *pipeline.Progress, records func() int64, log *slog.Logger) (stop func()) {
	switch {
	case s.noProgress:
		return func() {}
	case a.typesRecords:
		return func() {} // it would be drawn over what is typed
	case a.stderr.moves() && s.logFormat == "text":
		started := time.Now()
		return a.stderr.animate(func(width int) string {
			settled := p.Settled.Load() // first: it never overtakes what was read
			return reading{
				of: records(), read: p.Records.Load(), settled: settled, documents: p.Documents.Load(),
				bytes: p.Bytes.Load(), took: time.Since(started), away: waitingText(p, s.retryFor),
			}.line(width)
		})
	}
	return each(lineEvery, func() {
		args := []any{"records", p.Settled.Load(), "read", p.Records.Load(),
			"documents", p.Documents.Load(), "bytes", p.Bytes.Load()}
		if of := records(); of >= 0 {
			args = append(args, "of", of)
		}
		log.Info("feeding", args...)
	})
}

// showDownload shows on a terminal how many of the listed records are there;
// listed is negative while they are still being listed.
func (a *app) showDownload(from string, listed, there *atomic.Int64) (stop func()) {
	if !a.stderr.moves() {
		return func() {}
	}
	started := time.Now()
	return a.stderr.animate(func(width int) string {
		took, of, n := time.Since(started), listed.Load(), there.Load()
		if of < 0 {
			return fit(width, "listing what "+from+" has", clock(took))
		}
		return reading{of: of, read: n, settled: n, took: took}.line(width)
	})
}

// showWait says on a terminal what a command waits for, from the second second
// on, and how long still.
func (a *app) showWait(what string, atMost time.Duration) (stop func()) {
	if !a.stderr.moves() {
		return func() {}
	}
	started := time.Now()
	return a.stderr.animate(func(width int) string {
		took := time.Since(started)
		if took < time.Second {
			return ""
		}
		return fit(width, "waiting for "+what, clock(max(atMost-took, 0))+" left")
	})
}

// animate shows the line that draw makes for a width, again and again. At the
// end the last one is shown before the line is taken off.
func (s *screen) animate(draw func(width int) string) (stop func()) {
	show := func() {
		// The last column stays free: some terminals go to the next line there.
		if line := draw(max(widthOf(s.out)-1, 1)); line != "" {
			s.show(line)
		}
	}
	show()
	stopDrawing := each(barEvery, show)
	return func() {
		stopDrawing()
		show()
		s.hide()
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

// reading is where a run has got to.
type reading struct {
	of, read, settled, documents, bytes int64 // of: negative when not known
	took                                time.Duration
	away                                string // what is waited for, when nothing goes on
}

// waitingText says that Elasticsearch is waited for, and for how long still; it is
// empty while documents go in.
func waitingText(p *pipeline.Progress, retryFor time.Duration) string {
	since := p.Paused.Load()
	if since == 0 {
		return ""
	}
	took := time.Since(time.Unix(0, since))
	switch {
	case took < time.Second:
		return ""
	case retryFor < 0:
		return "waiting for Elasticsearch " + clock(took)
	}
	return "waiting for Elasticsearch, " + clock(max(retryFor-took, 0)) + " still"
}

// share is the part that is done, from 0 to 1. A record that was read and is on
// its way to Elasticsearch counts for half.
func (r reading) share() float64 {
	if r.of <= 0 {
		return 0
	}
	return min(float64(r.read+r.settled)/2/float64(r.of), 1)
}

// line tells it in at most width columns. What is less important is left out
// where it does not fit; the bar takes what is left.
func (r reading) line(width int) string {
	counts, percent, left := humanize.Comma(r.settled)+" records", "", clock(r.took)
	if r.of >= 0 {
		counts = humanize.Comma(r.settled) + "/" + plural(r.of, "record")
		percent = fmt.Sprintf("%d%%", int(100*r.share()))
	}
	if share := r.share(); share > 0.02 && share < 1 && r.took > 2*time.Second {
		left = clock(time.Duration(float64(r.took)*(1-share)/share)) + " left"
	}
	documents, rate := "", ""
	if r.documents > 0 {
		documents = plural(r.documents, "document")
	}
	if r.bytes > 0 {
		rate = fmt.Sprintf("%.1f MB/s", float64(r.bytes)/1e6/max(r.took.Seconds(), 0.001))
	}
	if r.away != "" {
		return fit(width, percent, r.away, counts)
	}
	text := fit(width, percent, counts, left, documents, rate)
	const least, most = 8, 30
	if room := min(width-columns(text)-3, most); r.of > 0 && room >= least {
		full := int(r.share() * float64(room))
		text = "[" + strings.Repeat("=", full) + strings.Repeat(" ", room-full) + "] " + text
	}
	return text
}

// fit joins as many of the parts as the width has room for, the first cut when
// it has none for that one.
func fit(width int, parts ...string) string {
	text := ""
	for _, part := range parts {
		switch {
		case part == "":
		case text == "":
			text = head(part, width)
		case columns(text)+2+columns(part) <= width:
			text += "  " + part
		default:
			return text
		}
	}
	return text
}

// clock is a duration as on a stopwatch: 0:07, 12:30, 1:02:03.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
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
