package state_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/kcing/kcing/state"
)

// benchRecords is how many finished records the benchmarks' file holds:
// KCING_STATE_BENCH_RECORDS, such as 10000000. With KCING_STATE_BENCH_DIR the
// file is kept there between runs.
func benchRecords() int {
	if n, err := strconv.Atoi(os.Getenv("KCING_STATE_BENCH_RECORDS")); err == nil && n > 0 {
		return n
	}
	return 20_000
}

var benchStart = time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)

// benchRecord is the i-th record: ten labs whose job ids grow, a quarter
// builds and boots, 30 days.
func benchRecord(i, of int) state.Finished {
	f := state.Finished{
		Key:    state.Key{Kind: "lava", ID: fmt.Sprintf("lab-%c-lab/%d", 'a'+i%10, 1_000_000+i/10)},
		Digest: state.Digest{byte(i), byte(i >> 8), byte(i >> 16), 1}, Documents: 1500,
		Time: benchStart.Add(time.Duration(float64(30*24*time.Hour) * float64(i) / float64(of))),
	}
	f.At = f.Time.Add(time.Minute)
	switch i % 8 {
	case 0:
		f.Key = state.Key{Kind: "build", ID: fmt.Sprintf("%024x", 0x5f3a_0000_0000+i)}
	case 1:
		f.Key = state.Key{Kind: "boot", ID: fmt.Sprintf("%024x", 0x5f3b_0000_0000+i)}
	}
	return f
}

// benchFile makes the file once a process, as feeding does: 500 records a commit.
func benchFile(b *testing.B) string {
	b.Helper()
	n := benchRecords()
	dir := os.Getenv("KCING_STATE_BENCH_DIR")
	if dir == "" {
		dir = benchDir()
	}
	path := filepath.Join(dir, fmt.Sprintf("bench-%d.db", n))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	start := time.Now()
	temp := path + ".part"
	_ = os.Remove(temp)
	s := must(state.Open(temp, state.Options{}))(b)
	batch := make([]state.Finished, 0, 500)
	for i := range n {
		if batch = append(batch, benchRecord(i, n)); len(batch) == cap(batch) || i == n-1 {
			if err := s.Commit(context.Background(), state.Batch{Finished: batch}); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	if err := os.Rename(temp, path); err != nil {
		b.Fatal(err)
	}
	st := must(os.Stat(path))(b)
	b.Logf("%d records: %d MB, made in %s", n, st.Size()>>20, time.Since(start).Round(time.Millisecond))
	return path
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// BenchmarkOpen is what taking the file costs.
func BenchmarkOpen(b *testing.B) {
	path := benchFile(b)
	b.ReportAllocs()
	for b.Loop() {
		s := must(state.Open(path, state.Options{}))(b)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpenLookup adds reading one record, with the file's pages mapped anew.
func BenchmarkOpenLookup(b *testing.B) {
	path, n := benchFile(b), benchRecords()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s := must(state.Open(path, state.Options{}))(b)
		i += 7919
		must(s.Lookup(context.Background(), []state.Key{benchRecord(i%n, n).Key}))(b)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			path, n := benchFile(b), benchRecords()
			s := must(state.Open(path, state.Options{}))(b)
			defer func() { _ = s.Close() }()
			keys := make([]state.Key, size)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				for j := range keys {
					i += 7919
					keys[j] = benchRecord(i%n, n).Key
				}
				must(s.Lookup(context.Background(), keys))(b)
			}
		})
	}
}

// BenchmarkCommit adds to a copy-less file: the records are new ones, after
// those there. Each commit is on the disk when it returns.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			path, n := benchFile(b), benchRecords()
			s := must(state.Open(path, state.Options{}))(b)
			defer func() { _ = s.Close() }()
			batch := make([]state.Finished, size)
			i := n + int(time.Now().UnixNano()/1000%1e9)
			b.ReportAllocs()
			for b.Loop() {
				for j := range batch {
					batch[j] = benchRecord(i, n)
					i++
				}
				if err := s.Commit(context.Background(), state.Batch{Finished: batch}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	path := benchFile(b)
	b.ReportAllocs()
	for b.Loop() {
		r := must(state.Check(context.Background(), path))(b)
		if !r.OK() {
			b.Fatal(r.Problems)
		}
	}
}

func BenchmarkPackedRejects(b *testing.B) {
	s := must(state.Open(filepath.Join(b.TempDir(), "kcing.db"), state.Options{}))(b)
	defer func() { _ = s.Close() }()
	body := make([]byte, 0, 4096)
	for i := range 100 {
		body = fmt.Appendf(body, `{"lineno":%d,"msg":"[    0.000000] Booting"},`, i)
	}
	b.SetBytes(int64(100 * len(body)))
	b.ReportAllocs()
	rejects := make([]state.Reject, 100)
	i := 0
	for b.Loop() {
		for j := range rejects {
			rejects[j] = state.Reject{ID: fmt.Sprintf("%012x", i), Kind: "lava", Key: "lab/1", Index: "log-2024.06.01",
				Body: body}
			i++
		}
		if err := s.Commit(context.Background(), state.Batch{Rejects: rejects}); err != nil {
			b.Fatal(err)
		}
	}
}
