package lavarest

import (
	"slices"
	"testing"
)

func TestParseJobs(t *testing.T) {
	f := func(in string, want ...Range) {
		t.Helper()
		if got, err := ParseJobs(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	f("305", Range{305, 305})
	f("100-200,305", Range{100, 200}, Range{305, 305})
	f(" 305 , 100 - 200", Range{100, 200}, Range{305, 305})
	f("1-5,3-9,10,12", Range{1, 10}, Range{12, 12})
	for _, bad := range []string{"", "x", "0", "-5", "5-", "9-3", "1,,2", "1-99999999999", "99999999999999999999",
		"1-600000,700000-1300000"} {
		if got, err := ParseJobs(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// FuzzParseJobs: what is accepted is sorted, apart, and bounded.
func FuzzParseJobs(f *testing.F) {
	for _, seed := range []string{"100-200,305", "1", "5-5,5", "1-2,2-3,9", "9223372036854775807",
		"1-9223372036854775807"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		ranges, err := ParseJobs(list)
		if err != nil {
			return
		}
		last, total := int64(-1), int64(0)
		for _, r := range ranges {
			if r.First < 1 || r.Last < r.First || r.First-1 <= last {
				t.Errorf("%q: %v", list, ranges)
			}
			last, total = r.Last, total+r.Last-r.First+1
		}
		if total < 1 || total > maxJobs {
			t.Errorf("%q: %d jobs", list, total)
		}
	})
}
