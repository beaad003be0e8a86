package lavarest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxJobs bounds how many jobs one run may name: a slip such as 1-999999999
// should not keep a server busy for a year.
const maxJobs = 1_000_000

// Range is a range of job numbers, both ends included.
type Range struct{ First, Last int64 }

// ParseJobs reads a list such as "100-200,305". Ranges are sorted, and joined
// where they touch.
func ParseJobs(list string) ([]Range, error) {
	var ranges []Range
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, errA := strconv.ParseInt(strings.TrimSpace(first), 10, 64)
		b, errB := strconv.ParseInt(strings.TrimSpace(last), 10, 64)
		if errA != nil || errB != nil || a < 1 || b < a {
			return nil, fmt.Errorf("%.40q is neither a job number nor a range such as 100-200", part)
		}
		ranges = append(ranges, Range{a, b})
	}
	slices.SortFunc(ranges, func(a, b Range) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
	})
	joined := ranges[:0]
	total := int64(0)
	for _, r := range ranges {
		if n := len(joined); n > 0 && r.First-1 <= joined[n-1].Last {
			joined[n-1].Last = max(joined[n-1].Last, r.Last)
			continue
		}
		joined = append(joined, r)
	}
	for _, r := range joined {
		if r.Last-r.First >= maxJobs {
			return nil, fmt.Errorf("%d-%d: more than %d jobs at once", r.First, r.Last, maxJobs)
		}
		total += r.Last - r.First + 1
	}
	if total > maxJobs {
		return nil, fmt.Errorf("%d jobs: more than %d at once", total, maxJobs)
	}
	return joined, nil
}
