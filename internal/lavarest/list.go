package lavarest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
)

const (
	// pageRows is how many jobs are asked for at once, 2 to 11 KB each as a rule.
	pageRows = 50
	// maxPage is how large a page may be, and maxRow a job's row alone: definitions
	// have no limit of their own.
	maxPage = 16 << 20
	maxRow  = 64 << 20
	// slowAnswer is after how long an answer that is an error says that LAVA's
	// database has given up: it ends a query after 30 s.
	slowAnswer = 20 * time.Second
	// shortest is the shortest window that is worth asking for.
	shortest = time.Minute
)

// query is one list to ask for: jobs that ended after from and before before.
type query struct {
	from, before time.Time // zero: without that bound
	newestFirst  bool
	limit        int
	offset       int
}

func (q query) encode() string {
	v := url.Values{"state": {finished}, "ordering": {"end_time,id"}, "limit": {strconv.Itoa(q.limit)}}
	if q.newestFirst {
		v.Set("ordering", "-end_time,-id")
	}
	// With a Z: the plus sign of a zone would have to be escaped.
	const form = "2006-01-02T15:04:05.000000Z"
	if q.from.IsZero() {
		v.Set("end_time__isnull", "False")
	} else {
		v.Set("end_time__gt", q.from.UTC().Format(form))
	}
	if !q.before.IsZero() {
		v.Set("end_time__lt", q.before.UTC().Format(form))
	}
	if q.offset > 0 {
		v.Set("offset", strconv.Itoa(q.offset))
	}
	return v.Encode()
}

// rows is a page of jobs.
type rows struct {
	jobs  []job
	count int64 // that the query finds in all
	more  bool
	date  time.Time // by the server's clock
}

// list asks for one page. The link to the next one is not followed: LAVA makes it
// of a host and a scheme that may be those of a proxy's inside, and the token
// would go there. Where a page is too large q gets a smaller limit.
func (o *Origin) list(ctx context.Context, s server, q *query) (rows, error) {
	res, err := o.page(ctx, q)
	if err != nil {
		return rows{}, err
	}
	page := gjson.ParseBytes(res.Body)
	if !gjson.ValidBytes(res.Body) || !page.Get("results").IsArray() {
		return rows{}, o.stop("answers with something else than a list of jobs")
	}
	r := rows{count: page.Get("count").Int(), date: o.now()}
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		r.date = at
	}
	last := job{}
	for _, row := range page.Get("results").Array() {
		j, err := parseJob(row, s.release)
		if err == nil {
			err = q.holds(j, last)
		}
		if err != nil {
			return rows{}, fmt.Errorf("%s (release %.40q) lists what it was not asked for: %w; "+
				"it may be too old to be crawled, and then --jobs names jobs", o.base, s.version, err)
		}
		r.jobs, last = append(r.jobs, j), j
	}
	r.more = len(r.jobs) > 0 && (len(r.jobs) >= q.limit || page.Get("next").Type == gjson.String)
	return r, nil
}

// page asks for one that is not too large.
func (o *Origin) page(ctx context.Context, q *query) (fetch.Response, error) {
	for {
		r := fetch.Request{MaxBytes: o.maxPage, SlowAfter: slowAnswer}
		if q.limit == 1 {
			r.MaxBytes = maxRow
		}
		res, err := o.get(ctx, "jobs/?"+q.encode(), r)
		if q.limit == 1 || !errors.Is(err, fetch.ErrTooLarge) {
			return res, err
		}
		q.limit /= 2
	}
}

// holds says which part of a query a job does not meet: a filter that LAVA does
// not know is ignored, and an order too.
func (q query) holds(j, before job) error {
	switch {
	case j.state != finished:
		return fmt.Errorf("job %s is %s", j.id, j.state)
	case !q.from.IsZero() && !j.end.After(q.from), !q.before.IsZero() && !j.end.Before(q.before):
		return fmt.Errorf("job %s ended at %s", j.id, j.ended)
	case before.id == "":
	case q.newestFirst && j.end.After(before.end), !q.newestFirst && j.end.Before(before.end):
		return fmt.Errorf("job %s, which ended at %s, comes after job %s, which ended at %s",
			j.id, j.ended, before.id, before.ended)
	}
	return nil
}

// lister yields the jobs of a window once each.
type lister struct {
	o      *Origin
	server server
	w      crawl.Window
	yield  func(crawl.Item) error

	seen   map[string]time.Time // ends of the jobs listed of late
	listed int64
	last   time.Time     // end of the newest job listed; zero: none yet
	step   time.Duration // length of the window that the server manages; 0: not known to be limited
	first  time.Time     // the server's clock at the first page
	past   bool          // there are jobs that ended after the run had begun: the next one's
}

// all lists the window, and then its end again until that brings nothing new: a
// job can be seen only some seconds after its end_time, and the pages have taken
// their time.
func (l *lister) all(ctx context.Context) (complete time.Time, err error) {
	from := l.w.From
	for {
		fresh, err := l.list(ctx, from)
		if err != nil {
			return time.Time{}, err
		}
		if fresh == 0 || l.past {
			break
		}
		if from = l.last.Add(-crawl.Overlap); from.Before(l.w.From) {
			from = l.w.From
		}
	}
	// The last job's end is no later than what the list is complete up to, and a
	// lab that is behind with its rows gets the time that it needs.
	if !l.last.IsZero() && l.last.Before(l.first) {
		return l.last, nil
	}
	return l.first, nil
}

// list lists what ended after from, and returns how many of the jobs were new.
func (l *lister) list(ctx context.Context, from time.Time) (fresh int64, err error) {
	q := query{from: from, limit: pageRows}
	for {
		q.before = time.Time{}
		if l.step > 0 {
			q.before = q.from.Add(l.step)
		}
		page, err := l.o.list(ctx, l.server, &q)
		if tooSlow(err) && l.halve(q.from) {
			l.o.log.Info("the LAVA server cannot list that much at once; asking for less",
				"url", l.o.base, "window", l.step, "error", err)
			q.offset = 0
			continue
		}
		if err != nil {
			return fresh, err
		}
		n, err := l.take(page, q)
		fresh += n
		if err != nil || l.past {
			return fresh, err
		}
		switch {
		case page.more:
			q.next(page)
		case !q.before.IsZero() && q.before.Before(l.w.To):
			q.from, q.offset = q.before.Add(-time.Microsecond), 0
		default:
			return fresh, nil
		}
	}
}

// next goes on after a full page by its last row, so that jobs which come or go
// move no page; only among jobs that ended in the same microsecond by their
// number.
func (q *query) next(page rows) {
	end, offset := page.jobs[len(page.jobs)-1].end, q.offset+q.limit
	from, before := end.Add(-time.Microsecond), end.Add(time.Microsecond)
	switch {
	case q.newestFirst && (q.before.IsZero() || before.Before(q.before)):
		q.before, offset = before, 0
	case !q.newestFirst && from.After(q.from):
		q.from, offset = from, 0
	}
	q.offset = offset
}

// tooSlow tells a server that cannot answer for what was asked.
func tooSlow(err error) bool {
	var failed *fetch.TransferError
	return errors.As(err, &failed) && failed.Slow
}

// halve makes the window shorter; false: it is as short as it can be.
func (l *lister) halve(from time.Time) bool {
	if l.step == 0 {
		l.step = l.w.To.Sub(from)
	}
	l.step /= 2
	return l.step >= shortest
}

// take yields the jobs of a page that were not listed yet, and counts them.
func (l *lister) take(page rows, q query) (fresh int64, err error) {
	if l.first.IsZero() {
		l.first = page.date
	}
	known := int64(q.offset)
	for _, j := range page.jobs {
		if _, listed := l.seen[j.id]; listed {
			known++
		}
	}
	if l.w.Total != nil && q.before.IsZero() {
		l.w.Total(l.listed + page.count - known)
	}
	for _, j := range page.jobs {
		if j.end.After(l.w.To) {
			l.past = true
			return fresh, nil
		}
		if _, listed := l.seen[j.id]; listed {
			continue
		}
		l.seen[j.id] = j.end
		if j.end.After(l.last) {
			l.last = j.end
		}
		fresh++
		l.listed++
		if err := l.yield(l.o.item(j)); err != nil {
			return fresh, err
		}
	}
	// What ended before that is not listed again.
	oldest := l.last.Add(-crawl.Overlap)
	maps.DeleteFunc(l.seen, func(_ string, end time.Time) bool { return end.Before(oldest) })
	return fresh, nil
}

// Newest implements [crawl.Newester].
func (o *Origin) Newest(ctx context.Context, w crawl.Window, n int, yield func(crawl.Item) error) error {
	if len(o.jobs) > 0 {
		return o.named(ctx, w, int64(n), yield)
	}
	s, err := o.known(ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for q := (query{from: w.From, newestFirst: true, limit: min(n, pageRows)}); ; {
		page, err := o.list(ctx, s, &q)
		if err != nil {
			return err
		}
		if w.Total != nil && len(seen) == 0 {
			w.Total(min(page.count, int64(n)))
		}
		for _, j := range page.jobs {
			if seen[j.id] || len(seen) == n {
				continue
			}
			seen[j.id] = true
			if err := yield(o.item(j)); err != nil {
				return err
			}
		}
		if len(seen) == n || !page.more {
			return nil
		}
		q.next(page)
	}
}
