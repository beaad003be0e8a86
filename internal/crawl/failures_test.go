package crawl_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
)

// A failed download is tried in five runs, also when the cursor has long passed
// it, and then only listed.
func TestFailuresAreTriedAgain(t *testing.T) {
	p := newPlace(t)
	p.fill(3)
	p.site.broken["job001"] = &fetch.StatusError{URL: "http://site/job001", Status: 404}
	for run := 1; run <= crawl.MaxRuns; run++ {
		r, err := p.crawl(crawl.Options{})
		if err != nil || r.Failed != 1 {
			t.Fatalf("run %d: %+v, %v", run, r, err)
		}
		list := p.unfetched()
		if len(list) != 1 || list[0].Attempts != run || list[0].Key != "job001" ||
			!strings.Contains(list[0].Error, "404") || list[0].Name != "http://site/job001" {
			t.Fatalf("run %d: %+v", run, list)
		}
		p.now = p.now.Add(24 * time.Hour)
	}
	asked := len(p.site.asked)
	r, err := p.crawl(crawl.Options{})
	if err != nil || r.Failed != 0 || len(p.site.asked) != asked || len(p.unfetched()) != 1 {
		t.Errorf("after %d runs: %+v, %v", crawl.MaxRuns, r, err)
	}
	// Listed again it is not tried either, unless somebody insists.
	if r, err = p.crawl(crawl.Options{Since: 200 * time.Hour}); err != nil || r.Failed != 0 || r.GivenUp != 1 {
		t.Errorf("listed: %+v, %v", r, err)
	}
	if r, err = p.crawl(crawl.Options{Since: 200 * time.Hour, RetryFailed: true}); err != nil || r.Failed != 1 {
		t.Errorf("insisted: %+v, %v", r, err)
	}
	delete(p.site.broken, "job001")
	p.now = p.now.Add(time.Second)
	if r, err = p.crawl(crawl.Options{Since: 200 * time.Hour, RetryFailed: true}); err != nil || r.Downloaded != 1 ||
		len(p.unfetched()) != 0 {
		t.Errorf("mended: %+v, %v, %v", r, err, p.unfetched())
	}
}

// A failure that passes is mended by the next run, by asking for that item alone.
func TestFailureMended(t *testing.T) {
	p := newPlace(t)
	p.fill(3)
	p.site.broken["job002"] = errors.New("cut off")
	if r, err := p.crawl(crawl.Options{}); err != nil || r.Failed != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	delete(p.site.broken, "job002")
	p.now = p.now.Add(time.Hour)
	r, err := p.crawl(crawl.Options{})
	if err != nil || r.Downloaded != 1 || !slices.Equal(p.emitted, []string{"job002 v1"}) || len(p.unfetched()) != 0 {
		t.Errorf("%+v, %v, %q, %v", r, err, p.emitted, p.unfetched())
	}
}

// An item that its origin does not know any more is a failure like others.
func TestFailureGone(t *testing.T) {
	p := newPlace(t)
	p.fill(1)
	p.site.broken["job000"] = errors.New("cut off")
	_, err := p.crawl(crawl.Options{})
	p.ok(err)
	p.site.items = nil
	r, err := p.crawl(crawl.Options{})
	if list := p.unfetched(); err != nil || r.Failed != 1 || len(list) != 1 || list[0].Attempts != 2 ||
		!strings.Contains(list[0].Error, "no such item") {
		t.Errorf("%+v, %v, %+v", r, err, list)
	}
}

// Refused credentials end the run; no item is to blame, and the cursor stays.
func TestStopEndsTheRun(t *testing.T) {
	p := newPlace(t)
	p.fill(5)
	p.site.broken["job002"] = fmt.Errorf("%w: 401", crawl.ErrStop)
	_, err := p.crawl(crawl.Options{})
	if !errors.Is(err, crawl.ErrStop) || len(p.unfetched()) != 0 || p.cursor() != "" {
		t.Errorf("%v, %v, cursor %q", err, p.unfetched(), p.cursor())
	}
}

// When nothing answers any more, the run ends instead of making each item a
// failure.
func TestAwayEndsTheRun(t *testing.T) {
	p := newPlace(t)
	p.fill(500)
	for i := range 500 {
		p.site.broken[fmt.Sprintf("job%03d", i)] = &fetch.TransferError{URL: "http://site", Tries: 5,
			Err: errors.New("no route to host")}
	}
	_, err := p.crawl(crawl.Options{Site: crawl.Site{Downloads: 2}})
	if !errors.Is(err, crawl.ErrAway) || p.cursor() != "" {
		t.Errorf("%v, cursor %q", err, p.cursor())
	}
	if n := len(p.unfetched()); n < 20 || n > 30 {
		t.Errorf("%d failures", n)
	}
}

// An error of the listing ends the run, and the cursor stays.
func TestListingFails(t *testing.T) {
	p := newPlace(t)
	p.fill(5)
	p.site.listErr = errors.New("the API is away")
	if _, err := p.crawl(crawl.Options{}); !errors.Is(err, p.site.listErr) || p.cursor() != "" {
		t.Errorf("%v, cursor %q", err, p.cursor())
	}
}
