package synthetic

import (
	"math/bits"
	"math/rand/v2"
)

// Streams keep the random numbers of one kind of thing apart from another's,
// so that a new message in a log does not change which build fails.
const (
	streamRevision uint64 = iota + 1
	streamBuild
	streamBoot
	streamJob
	streamTrait
)

// random is a PCG with the few draws this package needs. They are written out
// because only the PCG itself, not rand.Rand's methods, is promised to stay
// the same from one Go version to the next.
type random struct{ source *rand.PCG }

func newRandom(seed, stream uint64, index int) *random {
	a := splitmix(seed + stream*0x9e3779b97f4a7c15)
	return &random{source: rand.NewPCG(a, splitmix(a^splitmix(uint64(index))))} //nolint:gosec // an index is not negative
}

// splitmix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
func splitmix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below draws from [0, n); n ≤ 0 gives 0.
func (r *random) below(n int) int {
	if n <= 0 {
		return 0
	}
	hi, _ := bits.Mul64(r.source.Uint64(), uint64(n))
	return int(hi) //nolint:gosec // less than n
}

// between draws from [lo, hi].
func (r *random) between(lo, hi int) int { return lo + r.below(hi-lo+1) }

// chance is true in permille of 1000 cases.
func (r *random) chance(permille int) bool { return r.below(1000) < permille }

// hex draws hexadecimal digits, 16 from each number of the source.
func (r *random) hex(digits int) string {
	const all = "0123456789abcdef"
	s := make([]byte, digits)
	var word uint64
	for i := range s {
		if i%16 == 0 {
			word = r.source.Uint64()
		}
		s[i] = all[word&15]
		word >>= 4
	}
	return string(s)
}

func pick[T any](r *random, choices []T) T { return choices[r.below(len(choices))] }

// trait is a fixed property of a name, in [0, 1000): whether a test is a known
// failure on a board must not depend on which job asks.
func trait(seed uint64, name string) int {
	h := splitmix(seed ^ streamTrait)
	for i := range len(name) {
		h = splitmix(h ^ uint64(name[i]))
	}
	return int(h % 1000)
}
