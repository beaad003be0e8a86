package crawl_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

// site is an origin in memory that counts what is asked of it.
type site struct {
	mu        sync.Mutex
	items     []crawl.Item
	broken    map[string]error // by key: the download fails with it
	downloads map[string]int
	windows   []crawl.Window
	listErr   error // after all items
	twice     bool  // yields each item twice
	late      time.Duration
	asked     []string // keys of Item
}

var _ crawl.Origin = (*site)(nil)

func newSite() *site { return &site{broken: map[string]error{}, downloads: map[string]int{}} }

func (s *site) add(kind, key, version string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items = append(s.items,
		crawl.Item{Key: key, ID: key, Kind: kind, Form: kind, Name: "http://site/" + key, Version: version, Time: at})
}

func (s *site) Kinds() []string { return []string{"build", "lava"} }

func (s *site) fetch(it crawl.Item) crawl.Item {
	it.Fetch = func(context.Context) ([]byte, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.broken[it.Key]; err != nil {
			return nil, err
		}
		s.downloads[it.Key]++
		return []byte(it.Key + " " + it.Version), nil
	}
	return it
}

func (s *site) Items(_ context.Context, w crawl.Window, yield func(crawl.Item) error) (time.Time, error) {
	s.mu.Lock()
	items := slices.Clone(s.items)
	s.windows = append(s.windows, w)
	s.mu.Unlock()
	for _, it := range items {
		if it.Time.Before(w.From) || !it.Time.Before(w.To) {
			continue
		}
		if err := yield(s.fetch(it)); err != nil {
			return time.Time{}, err
		}
		if s.twice {
			if err := yield(s.fetch(it)); err != nil {
				return time.Time{}, err
			}
		}
	}
	return w.To.Add(-s.late), s.listErr
}

func (s *site) Item(_ context.Context, was crawl.Item) (crawl.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, was.Key)
	for _, it := range s.items {
		if it.Key == was.Key {
			return s.fetch(it), nil
		}
	}
	return crawl.Item{}, errors.New("no such item")
}

func (s *site) total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, times := range s.downloads {
		n += times
	}
	return n
}

// place is a working directory with a state file, a spool and a clock.
type place struct {
	t     *testing.T
	dir   string
	store *state.Store
	site  *site
	now   time.Time
	// settle is what the pipeline does with a record: true to finish it.
	settle func(name string) bool
	// most, when positive, is after how many records the pipeline fails.
	most    int
	emitted []string // payloads
	labs    map[string]string
}

var errPipeline = errors.New("the pipeline has failed")

func newPlace(t *testing.T) *place {
	p := &place{t: t, dir: t.TempDir(), site: newSite(), now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	p.store = statetest.OpenPath(t, filepath.Join(p.dir, "kcing.db"),
		state.Options{Now: func() time.Time { return p.now }})
	return p
}

func (p *place) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// crawl is one run, with the pipeline's part played by the test.
func (p *place) crawl(o crawl.Options) (crawl.Report, error) {
	p.t.Helper()
	s, err := spool.Open(filepath.Join(p.dir, "spool"), spool.Options{})
	p.ok(err)
	defer s.Close() //nolint:errcheck // checked by the next run
	o.Site.Name, o.Site.Origin, o.Store, o.Spool = "site", p.site, p.store, s
	o.Now = func() time.Time { return p.now }
	c := crawl.New(o)
	p.emitted, p.labs = nil, map[string]string{}
	runErr := c.Run(p.t.Context(), func(_ context.Context, r source.Record) error {
		if p.most > 0 && len(p.emitted) == p.most {
			return errPipeline
		}
		p.emitted = append(p.emitted, string(r.Payload))
		key, _, _ := strings.Cut(string(r.Payload), " ")
		p.labs[key] = r.Lab
		if p.settle == nil || p.settle(key) {
			r.Ack(source.Settled{Kind: "lava", Key: key})
		}
		return nil
	})
	report, closeErr := c.Close(p.t.Context(), runErr)
	return report, cmpErr(runErr, closeErr)
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (p *place) cursor() string {
	p.t.Helper()
	text, err := p.store.Cursor(p.t.Context(), "site")
	p.ok(err)
	return text
}

func (p *place) unfetched() []state.Unfetched {
	p.t.Helper()
	list, _, err := p.store.Unfetched(p.t.Context(), "site", 0)
	p.ok(err)
	return list
}

func (p *place) fill(n int) {
	for i := range n {
		p.site.add("lava", fmt.Sprintf("job%03d", i), "v1", p.now.Add(-time.Duration(i+1)*time.Minute))
	}
}

// A second crawl downloads nothing; a changed version, and what was forgotten,
// is downloaded again.
func TestFinishedIsNotDownloadedAgain(t *testing.T) {
	p := newPlace(t)
	p.fill(100)
	p.site.twice = true
	r, err := p.crawl(crawl.Options{})
	if err != nil || r.Downloaded != 100 || p.site.total() != 100 || len(p.emitted) != 100 {
		t.Fatalf("first: %+v, %v, %d downloads, %d emitted", r, err, p.site.total(), len(p.emitted))
	}
	p.now = p.now.Add(time.Minute)
	r, err = p.crawl(crawl.Options{Since: crawl.DefaultSince})
	if err != nil || r.Downloaded != 0 || r.Known < 100 || p.site.total() != 100 {
		t.Fatalf("second: %+v, %v, %d downloads", r, err, p.site.total())
	}
	p.site.items[7].Version = "v2"
	n, err := p.store.ForgetKind(t.Context(), "build") // none of ours
	if err != nil || n != 0 {
		t.Fatal(n, err)
	}
	if _, err := p.store.Forget(t.Context(), state.Key{Kind: "lava", ID: "job003"}); err != nil {
		t.Fatal(err)
	}
	r, err = p.crawl(crawl.Options{Since: crawl.DefaultSince})
	slices.Sort(p.emitted)
	if err != nil || r.Downloaded != 2 || !slices.Equal(p.emitted, []string{"job003 v1", "job007 v2"}) {
		t.Fatalf("third: %+v, %v, %q", r, err, p.emitted)
	}
	if r, err = p.crawl(crawl.Options{Since: crawl.DefaultSince, Force: true}); err != nil || r.Downloaded != 100 {
		t.Errorf("forced: %+v, %v", r, err)
	}
}

// What an interrupted run has downloaded comes from the spool.
func TestResumedWithoutDownloading(t *testing.T) {
	p := newPlace(t)
	p.fill(60)
	p.settle = func(string) bool { return false } // interrupted before anything is stored
	p.most = 25
	if _, err := p.crawl(crawl.Options{}); !errors.Is(err, errPipeline) {
		t.Fatal(err)
	}
	before := maps.Clone(p.site.downloads)
	if len(before) < 25 {
		t.Fatalf("%d downloads", len(before))
	}
	p.settle, p.most = nil, 0
	r, err := p.crawl(crawl.Options{})
	if err != nil || int(r.Resumed) != len(before) || len(p.emitted) != 60 {
		t.Fatalf("%+v, %v, %d emitted, %d in the spool before", r, err, len(p.emitted), len(before))
	}
	for key, n := range p.site.downloads {
		if n != 1 {
			t.Errorf("%s was downloaded %d times", key, n)
		}
	}
	if r, err = p.crawl(crawl.Options{Since: crawl.DefaultSince}); err != nil || r.Resumed != 0 || r.Downloaded != 0 ||
		r.Known != 60 {
		t.Errorf("after it: %+v, %v", r, err)
	}
}

// The spool's limit makes the downloads wait for records to be finished.
func TestFullSpoolWaits(t *testing.T) {
	p := newPlace(t)
	p.fill(40)
	s, err := spool.Open(filepath.Join(p.dir, "spool"), spool.Options{MaxRecords: 2})
	p.ok(err)
	defer s.Close() //nolint:errcheck // nothing is in it
	c := crawl.New(crawl.Options{Site: crawl.Site{Name: "site", Origin: p.site}, Store: p.store, Spool: s,
		Now: func() time.Time { return p.now }})
	n := 0
	runErr := c.Run(t.Context(), func(_ context.Context, r source.Record) error {
		n++
		r.Ack(source.Settled{})
		return nil
	})
	if _, err := c.Close(t.Context(), runErr); err != nil || runErr != nil || n != 40 || s.Stats().Records != 0 {
		t.Errorf("%v, %v, %d records, %d left", err, runErr, n, s.Stats().Records)
	}
}

// While the pipeline is slow, few downloads wait in the spool.
func TestDownloadsWaitForThePipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := spool.Open(filepath.Join(t.TempDir(), "spool"), spool.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // nothing is in it
		from := newSite()
		for i := range 60 {
			from.add("lava", fmt.Sprint("job", i), "v", time.Now().Add(-time.Hour))
		}
		const downloads = 4
		c := crawl.New(crawl.Options{Site: crawl.Site{Name: "site", Origin: from, Downloads: downloads}, Spool: s})
		n, most := 0, 0
		runErr := c.Run(t.Context(), func(_ context.Context, r source.Record) error {
			time.Sleep(time.Second)
			n, most = n+1, max(most, s.Stats().Records)
			r.Ack(source.Settled{})
			return nil
		})
		_, err = c.Close(t.Context(), runErr)
		if err != nil || runErr != nil || n != 60 || most > 2*downloads || s.Stats().Records != 0 {
			t.Errorf("%v, %v, %d records, at most %d in the spool, then %+v", err, runErr, n, most, s.Stats())
		}
	})
}

// Records of other commands in the spool are delivered too, and not remembered
// as items.
func TestAdoptsWhatOthersLeft(t *testing.T) {
	p := newPlace(t)
	s, err := spool.Open(filepath.Join(p.dir, "spool"), spool.Options{})
	p.ok(err)
	_, err = s.Put(t.Context(), spool.Meta{Kind: "lava", Key: "lab/7", Name: "post", Lab: "lab"}, []byte("posted x"))
	p.ok(err)
	p.ok(s.Close())
	r, err := p.crawl(crawl.Options{})
	if err != nil || r.Resumed != 1 || !slices.Equal(p.emitted, []string{"posted x"}) {
		t.Errorf("%+v, %v, %q", r, err, p.emitted)
	}
	if st, err := spool.Inspect(filepath.Join(p.dir, "spool")); err != nil || st.Records != 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

// The lab of a crawl is that of its downloads, also when another command resumes
// them, and not that of what others have left.
func TestLab(t *testing.T) {
	p := newPlace(t)
	p.fill(1)
	s, err := spool.Open(filepath.Join(p.dir, "spool"), spool.Options{})
	p.ok(err)
	_, err = s.Put(t.Context(), spool.Meta{Kind: "lava", Key: "-/7", Name: "post"}, []byte("posted x"))
	p.ok(err)
	p.ok(s.Close())
	p.settle = func(string) bool { return false }
	want := map[string]string{"posted": "", "job000": "lab-x"}
	for _, lab := range []string{"lab-x", ""} {
		if _, err := p.crawl(crawl.Options{Lab: lab}); err != nil || !maps.Equal(p.labs, want) {
			t.Errorf("crawling for %q: %v, labs %q, want %q", lab, err, p.labs, want)
		}
	}
}

// A download that the disk has damaged is set aside; the cursor waits for the
// next run, which downloads it again.
func TestDamagedLeftover(t *testing.T) {
	p := newPlace(t)
	p.fill(3)
	p.settle = func(string) bool { return false }
	p.most = 3
	if _, err := p.crawl(crawl.Options{}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(p.dir, "spool", "*.record"))
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[1])
	p.ok(err)
	b[len(b)-1]++
	p.ok(os.WriteFile(files[1], b, 0o600))
	p.settle, p.most = nil, 0
	p.now = p.now.Add(time.Minute)
	if r, err := p.crawl(crawl.Options{}); err != nil || len(p.emitted) < 2 || r.Resumed != 3 {
		t.Fatalf("%+v, %v, %q", r, err, p.emitted)
	}
	if got := p.cursor(); got != "" {
		t.Errorf("the cursor moved to %s", got)
	}
	p.now = p.now.Add(time.Hour)
	_, err = p.crawl(crawl.Options{})
	p.ok(err)
	entries, err := p.store.LookupItems(t.Context(), "site", []string{"job000", "job001", "job002"})
	p.ok(err)
	for _, e := range entries {
		if e.Crawled.Key == "" {
			t.Errorf("lost: %+v", e)
		}
	}
}

// Where nothing of the run can make room, it ends with the spool's error.
func TestSpoolWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := spool.Open(filepath.Join(t.TempDir(), "spool"), spool.Options{MaxBytes: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // nothing is in it
		from := newSite()
		from.add("lava", "job", "v", time.Now().Add(-time.Hour))
		c := crawl.New(crawl.Options{Site: crawl.Site{Name: "site", Origin: from}, Spool: s})
		runErr := c.Run(t.Context(), func(context.Context, source.Record) error { return nil })
		if _, err := c.Close(t.Context(), runErr); err != nil || !errors.Is(runErr, spool.ErrFull) {
			t.Errorf("%v, %v", runErr, err)
		}
	})
}
