package crawl_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

// TestCameOtherwise: a record that is finished already and knew as much costs no
// download, also when an earlier run could not download it.
func TestCameOtherwise(t *testing.T) {
	p := newPlace(t)
	p.fill(4)
	for i := range p.site.items {
		p.site.items[i].Record, p.site.items[i].Level = state.Key{Kind: "lava", ID: p.site.items[i].Key}, 6
	}
	finish := func(key string, level uint8) {
		p.ok(p.store.Commit(t.Context(),
			state.Batch{Finished: []state.Finished{{Key: state.Key{Kind: "lava", ID: key},
				Known: state.Known{Level: level}}}}))
	}
	finish("job000", 6)
	finish("job001", 4)
	finish("job002", 7)
	p.site.broken["job003"] = errors.New("broken")
	r, err := p.crawl(crawl.Options{})
	if err != nil || r.Known != 2 || r.Downloaded != 1 || r.Failed != 1 ||
		!slices.Equal(p.emitted, []string{"job001 v1"}) {
		t.Errorf("%+v, %v, emitted %q", r, err, p.emitted)
	}
	finish("job003", 6)
	p.now = p.now.Add(time.Minute)
	if r, err = p.crawl(crawl.Options{}); err != nil || r.Failed != 0 || r.Downloaded != 0 || len(p.unfetched()) != 0 {
		t.Errorf("%+v, %v, %+v", r, err, p.unfetched())
	}
	if r, err = p.crawl(crawl.Options{Force: true, Since: time.Hour}); err != nil || r.Failed != 1 ||
		r.Downloaded != 3 {
		t.Errorf("with Force: %+v, %v", r, err)
	}
}

// TestTooLargeAtTheOrigin: what an origin does not download for its length goes to
// the pipeline as a record that is refused, and is no failure.
func TestTooLargeAtTheOrigin(t *testing.T) {
	p := newPlace(t)
	p.fill(1)
	p.site.broken["job000"] = fmt.Errorf("%w: the log", source.ErrTooLarge)
	c := crawl.New(crawl.Options{Site: crawl.Site{Name: "site", Origin: p.site}, Store: p.store,
		Now: func() time.Time { return p.now }})
	var got source.Record
	err := c.Run(t.Context(), func(_ context.Context, r source.Record) error {
		got = r
		r.Ack(source.Settled{Outcome: source.Refused})
		return nil
	})
	r, closeErr := c.Close(t.Context(), err)
	if err != nil || closeErr != nil || !errors.Is(got.Err, source.ErrTooLarge) || r.Failed != 0 ||
		len(p.unfetched()) != 0 {
		t.Errorf("%v, %v, %+v, %+v", err, closeErr, got, r)
	}
	if r, err := p.crawl(crawl.Options{}); err != nil || r.Known != 1 {
		t.Errorf("then %+v, %v", r, err)
	}
}

// lab is a site with a clock of its own that knows how many items there are, and
// which are the newest.
type lab struct {
	*site
	asked crawl.Window
}

func (l *lab) Items(ctx context.Context, w crawl.Window, yield func(crawl.Item) error) (time.Time, error) {
	l.asked = w
	w.Total(int64(len(l.items)))
	return l.site.Items(ctx, w, yield)
}

func (l *lab) Newest(_ context.Context, w crawl.Window, n int, yield func(crawl.Item) error) error {
	l.asked = w
	w.Total(int64(n))
	for _, it := range l.items[:n] {
		if err := yield(l.fetch(it)); err != nil {
			return err
		}
	}
	return nil
}

// TestOriginsOwn: an origin's clock bounds the window and moves the cursor, its
// count is what progress goes by, and its newest are the newest.
func TestOriginsOwn(t *testing.T) {
	p := newPlace(t)
	theirs := p.now.Add(5 * time.Hour)
	for i := range 10 {
		p.site.add("lava", fmt.Sprint("job", i), "v1", theirs.Add(-time.Duration(i+1)*time.Minute))
	}
	l := &lab{site: p.site}
	run := func(o crawl.Options) (expected []int64, r crawl.Report) {
		t.Helper()
		o.Site = crawl.Site{Name: "site", Origin: l, Clock: func() time.Time { return theirs }}
		o.Store, o.Now = p.store, func() time.Time { return p.now }
		c := crawl.New(o)
		expected = append(expected, c.Expected())
		var mu sync.Mutex
		err := c.Run(t.Context(), func(_ context.Context, r source.Record) error {
			mu.Lock()
			defer mu.Unlock()
			expected = append(expected, c.Expected())
			r.Ack(source.Settled{})
			return nil
		})
		p.ok(err)
		r, err = c.Close(t.Context(), nil)
		p.ok(err)
		return expected, r
	}
	expected, r := run(crawl.Options{HowMany: 3})
	if r.Downloaded != 3 || !l.asked.From.IsZero() || expected[1] != 3 {
		t.Errorf("newest: %+v of window %+v, expected %v", r, l.asked, expected)
	}
	expected, r = run(crawl.Options{})
	if r.Downloaded != 7 || r.Known != 3 || !l.asked.To.Equal(theirs) || expected[0] != -1 ||
		expected[len(expected)-1] != 7 {
		t.Errorf("all: %+v of window %+v, expected %v", r, l.asked, expected)
	}
	if p.cursor() != theirs.Format(time.RFC3339Nano) {
		t.Errorf("cursor %s", p.cursor())
	}
	if _, r = run(crawl.Options{Since: time.Hour, HowMany: 2}); !l.asked.From.Equal(theirs.Add(-time.Hour)) {
		t.Errorf("newest of an hour: window %+v", l.asked)
	}
}
