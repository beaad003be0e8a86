package crawl_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

// The cursor moves when all that was listed is done with, and the next window
// begins somewhat before it.
func TestCursor(t *testing.T) {
	p := newPlace(t)
	p.fill(5)
	p.site.late = 30 * time.Second
	_, err := p.crawl(crawl.Options{})
	p.ok(err)
	if w := p.site.windows[0]; !w.From.Equal(p.now.Add(-48*time.Hour)) || !w.To.Equal(p.now) {
		t.Errorf("the first window is %v to %v", w.From, w.To)
	}
	reached := p.now.Add(-30 * time.Second)
	if got := p.cursor(); got != reached.Format(time.RFC3339Nano) {
		t.Errorf("cursor %s, want %v", got, reached)
	}
	p.now = p.now.Add(5 * time.Hour)
	_, err = p.crawl(crawl.Options{})
	p.ok(err)
	if w := p.site.windows[1]; !w.From.Equal(reached.Add(-crawl.Overlap)) {
		t.Errorf("the second window begins %v", w.From)
	}
	if got, want := p.cursor(), p.now.Add(-30*time.Second).Format(time.RFC3339Nano); got != want {
		t.Errorf("cursor %s, want %s", got, want)
	}
}

// What would leave a gap behind it does not move the cursor.
func TestCursorStays(t *testing.T) {
	for name, f := range map[string]func(*place) crawl.Options{
		"an unfinished record": func(p *place) crawl.Options {
			p.settle = func(key string) bool { return key != "job003" }
			return crawl.Options{}
		},
		"one kind":     func(*place) crawl.Options { return crawl.Options{Kinds: []string{"lava"}} },
		"the newest":   func(*place) crawl.Options { return crawl.Options{HowMany: 2} },
		"a short view": func(*place) crawl.Options { return crawl.Options{Since: time.Hour} },
		"a failure of the pipeline": func(p *place) crawl.Options {
			p.most = 2
			return crawl.Options{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.fill(5)
			_, err := p.crawl(f(p))
			if err != nil && !errors.Is(err, errPipeline) {
				t.Fatal(err)
			}
			if got := p.cursor(); got != "" {
				t.Errorf("the cursor moved to %s", got)
			}
		})
	}
	// With a cursor a short view is as good as any when it reaches back to it.
	p := newPlace(t)
	_, err := p.crawl(crawl.Options{})
	p.ok(err)
	p.now = p.now.Add(time.Hour)
	_, err = p.crawl(crawl.Options{Since: 30 * time.Minute})
	p.ok(err)
	if got := p.cursor(); got != p.now.Add(-time.Hour).Format(time.RFC3339Nano) {
		t.Errorf("too short a view moved it to %s", got)
	}
	_, err = p.crawl(crawl.Options{Since: 2 * time.Hour})
	p.ok(err)
	if got := p.cursor(); got != p.now.Format(time.RFC3339Nano) {
		t.Errorf("a view that reaches back left it at %s", got)
	}
}

// A cursor that is no time, or lies ahead, is as if there were none.
func TestBadCursor(t *testing.T) {
	p := newPlace(t)
	for _, bad := range []string{"yesterday", p.now.Add(time.Hour).Format(time.RFC3339Nano)} {
		p.ok(p.store.SetCursor(t.Context(), "site", bad))
		_, err := p.crawl(crawl.Options{})
		p.ok(err)
		if w := p.site.windows[len(p.site.windows)-1]; !w.From.Equal(p.now.Add(-crawl.DefaultSince)) {
			t.Errorf("%s: the window begins %v", bad, w.From)
		}
	}
}

// The newest of each kind, however far back they are.
func TestNewest(t *testing.T) {
	p := newPlace(t)
	for i := range 50 {
		p.site.add("lava", fmt.Sprintf("job%02d", i), "v", p.now.Add(-time.Duration(i)*time.Hour-time.Minute))
		p.site.add("build", fmt.Sprintf("build%02d", i), "v", p.now.Add(-time.Duration(i)*12*time.Hour-time.Minute))
	}
	p.site.twice = true
	r, err := p.crawl(crawl.Options{HowMany: 3})
	slices.Sort(p.emitted)
	if err != nil || r.Downloaded != 6 || !slices.Equal(p.emitted,
		[]string{"build00 v", "build01 v", "build02 v", "job00 v", "job01 v", "job02 v"}) {
		t.Errorf("%+v, %v, %q", r, err, p.emitted)
	}
	items, err := crawl.Newest(t.Context(),
		crawl.Options{Site: crawl.Site{Origin: p.site}, Kinds: []string{"build"}, HowMany: 4,
			Now: func() time.Time { return p.now }})
	if err != nil || len(items) != 4 || items[0].Key != "build00" || items[3].Key != "build03" {
		t.Errorf("%v, %+v", err, items)
	}
	items, err = crawl.Newest(t.Context(), crawl.Options{Site: crawl.Site{Origin: p.site}, Kinds: []string{"build"},
		HowMany: 400,
		Since:   13 * time.Hour, Now: func() time.Time { return p.now }})
	if err != nil || len(items) != 2 {
		t.Errorf("%v, %+v", err, items)
	}
}

// A dry run asks for everything and leaves nothing behind.
func TestDryRun(t *testing.T) {
	p := newPlace(t)
	p.fill(10)
	c := crawl.New(crawl.Options{Site: crawl.Site{Name: "site", Origin: p.site},
		Now: func() time.Time { return p.now }})
	var n atomic.Int64
	err := c.Run(t.Context(), func(context.Context, source.Record) error {
		n.Add(1)
		return nil
	})
	r, closeErr := c.Close(t.Context(), err)
	if err != nil || closeErr != nil || n.Load() != 10 || r.Downloaded != 10 {
		t.Errorf("%v, %v, %d records, %+v", err, closeErr, n.Load(), r)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "spool")); err == nil || p.cursor() != "" {
		t.Error("it left something behind")
	}
}

// How far back a crawl looks is what retention has to go by.
func TestLooksBack(t *testing.T) {
	p := newPlace(t)
	looks := func() time.Duration {
		cursors, err := p.store.Cursors(t.Context())
		p.ok(err)
		return crawl.LooksBack(cursors)
	}
	if got := looks(); got != 0 {
		t.Errorf("before any crawl: %v", got)
	}
	_, err := p.crawl(crawl.Options{})
	p.ok(err)
	if got := looks(); got != crawl.DefaultSince {
		t.Errorf("after a crawl: %v", got)
	}
	_, err = p.crawl(crawl.Options{Since: 100 * time.Hour})
	p.ok(err)
	if got := looks(); got != 100*time.Hour {
		t.Errorf("after a long one: %v", got)
	}
	cursors, err := p.store.Cursors(t.Context())
	p.ok(err)
	if got := crawl.Positions(cursors); len(got) != 1 || got["site"] == "" {
		t.Errorf("positions %v", got)
	}
}

// A record over the limit goes to the pipeline as such, with its beginning.
func TestTooLarge(t *testing.T) {
	p := newPlace(t)
	p.fill(1)
	c := crawl.New(crawl.Options{Site: crawl.Site{Name: "site", Origin: p.site}, Store: p.store, MaxRecordBytes: 4,
		Now: func() time.Time { return p.now }})
	var got source.Record
	err := c.Run(t.Context(), func(_ context.Context, r source.Record) error {
		got = r
		r.Ack(source.Settled{Outcome: source.Refused})
		return nil
	})
	_, closeErr := c.Close(t.Context(), err)
	if err != nil || closeErr != nil || !errors.Is(got.Err, source.ErrTooLarge) || string(got.Payload) != "job0" ||
		got.Size != 9 {
		t.Errorf("%v, %v, %+v", err, closeErr, got)
	}
	entries, err := p.store.LookupItems(t.Context(), "site", []string{"job000"})
	if err != nil || entries[0].Crawled.Key == "" || entries[0].Crawled.Record != (state.Key{}) {
		t.Errorf("%+v, %v", entries, err)
	}
}
