package synthetic

import (
	"fmt"
	"strings"
	"time"
)

// revision is one state of one branch that was built and tested.
type revision struct {
	index           int
	branch          *branch
	branchName      string
	at              int64 // microseconds since 1970
	age             int   // permille of the window at which it appeared
	commit          string
	describe        string
	describeVerbose string // like describe, but tag and distance for next too
	release         string // uname -r
}

func (s *schedule) revisionTime(i int) int64 {
	span := s.now - tail - s.start
	return s.start + span/int64(s.revisions)*int64(i)
}

func (s *schedule) revision(i int) *revision {
	r := newRandom(s.Seed, streamRevision, i)
	slot, round := i%len(branches), i/len(branches)
	b := &branches[slot]
	rev := &revision{index: i, branch: b, branchName: b.name, at: s.revisionTime(i), commit: r.hex(40)}
	rev.age = int((rev.at - s.start) * 1000 / (s.now - s.start))
	distance := 20 + slot + round*60 + r.below(40)
	ahead := fmt.Sprintf("%s-%d-g%s", b.tag, distance, rev.commit[:12])
	rev.describe, rev.describeVerbose = ahead, ahead
	rev.release = fmt.Sprintf("%s-%05d-g%s", fullVersion(b.tag), distance, rev.commit[:12])
	switch b.style {
	case describeRelease:
		rev.describe = fmt.Sprintf("%s.%d", b.tag, b.patch+round)
		rev.describeVerbose = rev.describe
		rev.release = rev.describe[1:]
	case describeDate:
		day := func(at int64) string { return time.UnixMicro(at).UTC().Format("20060102") }
		today := day(rev.at)
		if i >= len(branches) && day(s.revisionTime(i-len(branches))) == today {
			// linux-next has one release a day; what comes later that day is
			// on its other branch.
			rev.branchName = "pending-fixes"
			break
		}
		rev.describe = "next-" + today
		rev.release = fullVersion(b.tag) + "-" + rev.describe
	}
	return rev
}

// fullVersion turns a tag into the version the kernel reports: v6.17-rc3 is
// 6.17.0-rc3.
func fullVersion(tag string) string {
	version, rc, isCandidate := strings.Cut(tag[1:], "-")
	if strings.Count(version, ".") == 1 {
		version += ".0"
	}
	if isCandidate {
		return version + "-" + rc
	}
	return version
}

// pythonTime writes microseconds as Python's str(datetime) does for UTC: a
// blank for the T, and no fraction when there is none.
func pythonTime(micros int64) string {
	t := time.UnixMicro(micros).UTC()
	if micros%second == 0 {
		return t.Format("2006-01-02 15:04:05+00:00")
	}
	return t.Format("2006-01-02 15:04:05.000000+00:00")
}
