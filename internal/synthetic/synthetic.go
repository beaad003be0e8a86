package synthetic

import (
	"bytes"
	"encoding/json"
	"iter"
	"time"
)

// Profile says how long the logs are.
type Profile string

const (
	// Demo makes logs of 60 to 160 lines, so that 2,500 records are fed in a
	// minute or two. The zero Profile means Demo.
	Demo Profile = "demo"
	// Real makes callbacks of the size and shape of production ones: 540 to
	// 1,400 log lines, about 150 kB. For benchmarks.
	Real Profile = "real"
)

// Window is how long before Options.Now the oldest record may lie.
const Window = 72 * time.Hour

// Options choose a set of records. The same Options give the same bytes, others give
// records with other ids.
type Options struct {
	// Size is the number of records in all: about 18 % builds, 6 % boots, the
	// rest LAVA callbacks. Zero or less: none. The stories need about 2,000 to
	// show; no more than one revision's builds are held in memory.
	Size int
	// Seed chooses another world of the same kind. Zero is a seed like others.
	Seed uint64
	// Now bounds the times: every record lies in the Window before it, to the
	// second. Zero means 00:00 UTC today, so that one seed gives the same bytes
	// for a day; this is the only use of the clock.
	Now time.Time
	// Profile is Demo when empty. Anything but Real is Demo.
	Profile Profile
}

// Record is one source document as a lab or a builder would have sent it.
type Record struct {
	// Name is a file name, unique in the set: build_<oid>.json,
	// boot_<oid>.json, lava_<job id>.json.
	Name string
	// Kind is "build", "boot" or "lava".
	Kind string
	// Payload is one JSON object without a final newline. It belongs to the
	// receiver.
	Payload []byte
}

// Records makes the records one after another, oldest revision first: its
// builds, then the boots and callbacks of those builds.
func Records(o Options) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		s := newSchedule(o)
		for i := range s.revisions {
			if !s.emit(s.revision(i), yield) {
				return
			}
		}
	}
}

// schedule spreads Size records over the revisions of the window.
type schedule struct {
	Options
	start, now                     int64 // microseconds since 1970
	revisions, builds, boots, jobs int

	set uint64 // in all ids: a number of the Options, since records of others are other records

	logBuffer []byte // reused from job to job
}

const (
	second = int64(1_000_000) // microseconds
	minute = 60 * second
	hour   = 60 * minute

	// tail is the time after its commit within which everything about a
	// revision has happened: builds, the queue of the lab, the longest job.
	tail = 6 * hour
)

func newSchedule(o Options) schedule {
	if o.Now.IsZero() {
		o.Now = time.Now().UTC().Truncate(24 * time.Hour)
	}
	now := o.Now.Unix() * second
	s := schedule{Options: o, start: now - Window.Microseconds(), now: now}
	size := max(o.Size, 0)
	for _, part := range []uint64{o.Seed, uint64(now), uint64(size)} { //nolint:gosec // only to be told apart
		s.set = splitmix(s.set ^ part)
	}
	if o.Profile == Real {
		s.set = splitmix(s.set)
	}
	if size == 0 {
		return s
	}
	s.builds = max(1, size*18/100)
	s.boots = size * 6 / 100
	s.jobs = size - s.builds - s.boots
	// Three rounds of all branches when there are builds enough; more only
	// when a revision would need more builds than there are targets.
	s.revisions = min(max(s.builds/6, 1), 3*len(branches))
	s.revisions = max(s.revisions, (s.builds+len(targets)-1)/len(targets))
	return s
}

// share gives the part of total that revision i has, as a half-open range.
func (s *schedule) share(total, i int) (from, to int) {
	n := int64(s.revisions)
	return int(int64(i) * int64(total) / n), int((int64(i) + 1) * int64(total) / n)
}

func (s *schedule) emit(rev *revision, yield func(Record) bool) bool {
	var builds []*build
	from, to := s.share(s.builds, rev.index)
	for i := from; i < to; i++ {
		b := s.build(rev, i, i-from)
		builds = append(builds, b)
		if !yield(b.record()) {
			return false
		}
	}
	from, to = s.share(s.boots, rev.index)
	for i := from; i < to; i++ {
		if !yield(s.boot(builds, i, i-from, to-from)) {
			return false
		}
	}
	runs := runsOf(builds)
	from, to = s.share(s.jobs, rev.index)
	for i := from; i < to; i++ {
		j := s.job(runs[(i-from)%len(runs)], i, i-from, to-from)
		if !yield(j.record()) {
			return false
		}
	}
	return true
}

// jsonText is an object as a server posts it: &, < and > as they are.
func jsonText(o object) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(o); err != nil {
		panic(err) // texts, numbers and lists of them have no way to fail
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
