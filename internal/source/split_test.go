package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// split reads all records of a stream.
func split(t testing.TB, in io.Reader, limit int64) (got []string, sizes []int64) {
	t.Helper()
	s := newSplitter(in, limit)
	for {
		payload, size, err := s.next()
		if errors.Is(err, io.EOF) {
			return got, sizes
		}
		if err != nil {
			t.Fatal(err)
		}
		got, sizes = append(got, string(payload)), append(sizes, size)
	}
}

func TestSplit(t *testing.T) {
	f := func(in string, want ...string) {
		t.Helper()
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(in), "byte by byte": iotest.OneByteReader(strings.NewReader(in)),
			"with its end": iotest.DataErrReader(strings.NewReader(in)),
		} {
			got, sizes := split(t, r, 1<<20)
			if !slices.Equal(got, want) {
				t.Errorf("%q, %s:\n got %q\nwant %q", in, name, got, want)
			}
			for i := range got {
				if sizes[i] != int64(len(got[i])) {
					t.Errorf("%q: size %d of %q", in, sizes[i], got[i])
				}
			}
		}
	}
	f("")
	f(" \r\n\t ")
	f(`{"a":1}`, `{"a":1}`)
	// Records joined in every way.
	f(`{"a":1}{"b":2}[3]`, `{"a":1}`, `{"b":2}`, `[3]`)
	f("{\"a\":1}\n{\"b\":2}\r\n\n {\"c\":3}\n", `{"a":1}`, `{"b":2}`, `{"c":3}`)
	f("{\n  \"a\": [\n    {}\n  ]\n}\n{\n\"b\":\n{\n}\n}", "{\n  \"a\": [\n    {}\n  ]\n}", "{\n\"b\":\n{\n}\n}")
	f("\xef\xbb\xbf{\"a\":1}\n\xef\xbb\xbf{\"b\":2}", `{"a":1}`, `{"b":2}`)
	// Brackets and quotes in strings are text.
	f(`{"a":"}{[\"{"}{"b":"\\"}`, `{"a":"}{[\"{"}`, `{"b":"\\"}`)
	// Unindented lists of objects are one record.
	f("{\"a\":[\n{\"b\":1},\n{\"c\":2}\n]}\n{\"d\":3}", "{\"a\":[\n{\"b\":1},\n{\"c\":2}\n]}", `{"d":3}`)
	// What does not begin as a record ends with its line.
	f("noise\n{\"a\":1}\nmore {noise}\n3\n{\"b\":2}", "noise", `{"a":1}`, "more {noise}", "3", `{"b":2}`)
	f("\xef\xbbnoise\n{}", "\xef\xbbnoise", "{}")
	f("\xef", "\xef")
	f("{}}\n{}", "{}", "}", "{}")
	// A cut record does not swallow the next, wherever it was cut.
	f("{\"a\":\"te\n{\"b\":2}\n", `{"a":"te`, `{"b":2}`)
	f("{\"a\":\"te\\\n{\"b\":2}\n", `{"a":"te\`, `{"b":2}`)
	f("{\"a\n{\"b\":2}", `{"a`, `{"b":2}`)
	f("{\"a\":1,\n{\"b\":2}", `{"a":1,`, `{"b":2}`)
	f("{\n{\"b\":2}", `{`, `{"b":2}`)
	f("{\"a\":tr\n{\"b\":2}", `{"a":tr`, `{"b":2}`)
	f("{\"a\":[1\n{\"b\":2}", `{"a":[1`, `{"b":2}`)
	f("{\"a\":{\"b\":1}\n{\"c\":2}", `{"a":{"b":1}`, `{"c":2}`)
	f("{\"a\":[1}\n{\"b\":2}", `{"a":[1}`, `{"b":2}`)
	f("{\"a\":\n{\"b\":2}\n{\"c\":3}\n{\"d\":4}\n", `{"a":`, `{"b":2}`, `{"c":3}`, `{"d":4}`)
	f("{\"a\":[\n{\"b\":2}\n{\"c\":3}\n", `{"a":[`, `{"b":2}`, `{"c":3}`)
	f("{\"a\":[1,\n{\"b\":2}", `{"a":[1,`, `{"b":2}`) // known only at the end
	f("{\"a\":[\n{\"b\":[\n{\"c\":3}\n{\"d\":4}\n", `{"a":[`, `{"b":[`, `{"c":3}`, `{"d":4}`)
	f("{\"a\":[\n{\"b\":\"cut\n{\"c\":3}\n", `{"a":[`, `{"b":"cut`, `{"c":3}`)
	// The rest of a damaged record stays with it: it is one reject, not hundreds.
	f("{\n \"a\":\"te\nxt\",\n \"b\":[\n  {}\n ]\n}\n{\"c\":3}", "{\n \"a\":\"te\nxt\",\n \"b\":[\n  {}\n ]\n}",
		`{"c":3}`)
	// The stream ends within a record.
	f("{\"a\":1}\n{\"b\":", `{"a":1}`, `{"b":`)
}

// Wherever a record is cut, its neighbours come out whole.
func TestSplitEveryCut(t *testing.T) {
	record := `{"id":1,"definition":"a: \"b\\n\"","results":{"lava":"- {x: [1]}\n","n":[{"a":[]},{"b":{}},3]},"log":"- {\"dt\": 1}\n","end":true}`
	good := []string{`{"g":[{"x":1},2]}`, `{"h":"}"}`, "{\n\"i\":{\n}\n}"}
	for cut := 1; cut < len(record); cut++ {
		in := good[0] + "\n" + record[:cut] + "\n" + good[1] + "\n" + record[:cut] + "\n" + good[2] + "\n"
		got, _ := split(t, strings.NewReader(in), 1<<20)
		want := []string{good[0], record[:cut], good[1], record[:cut], good[2]}
		if !slices.Equal(got, want) {
			t.Errorf("cut at %d:\n got %q\nwant %q", cut, got, want)
		}
	}
}

func TestSplitOverLimit(t *testing.T) {
	const limit = 200 << 10
	large := `{"a":"` + strings.Repeat("x", 1<<20) + `"}`
	exact := `{"a":"` + strings.Repeat("x", limit-8) + `"}`
	noise := strings.Repeat("n", 1<<20)
	in := "{}" + large + "{\"b\":[\n" + exact + "]}\n" + exact + noise + "\n{\"c\":3}"
	got, sizes := split(t, strings.NewReader(in), limit)
	want := []string{"{}", large, "{\"b\":[\n" + exact + "]}", exact, noise, `{"c":3}`}
	if len(got) != len(want) {
		t.Fatalf("got %d records", len(got))
	}
	for i := range want {
		keep := want[i]
		if len(keep) > limit {
			keep = keep[:keepOfTooLarge]
		}
		if got[i] != keep || sizes[i] != int64(len(want[i])) {
			t.Errorf("record %d: got %d bytes of %d, want %d of %d", i, len(got[i]), sizes[i], len(keep), len(want[i]))
		}
	}
}

// A damaged record ends where it can be known, not at the end of the stream:
// what is behind it may be more than fits.
func TestSplitEndsDamagedRecordsEarly(t *testing.T) {
	for _, cut := range []string{`{"a":1,`, `{"a":"x`, `{"a":[`, `{"a":`, `{`} {
		var in strings.Builder
		in.WriteString(cut)
		want := []string{cut}
		for i := range 50 {
			want = append(want, fmt.Sprintf(`{"i":%d}`, i))
			in.WriteString("\n" + want[i+1])
		}
		if got, _ := split(t, strings.NewReader(in.String()), 30); !slices.Equal(got, want) {
			t.Errorf("%s: got %q", cut, got)
		}
	}
}

// generated is a reader that makes its bytes.
type generated struct{ next func() []byte }

func (g generated) Read(p []byte) (int, error) {
	b := g.next()
	if b == nil {
		return 0, io.EOF
	}
	return copy(p, b), nil
}

// However large or deep a record is, little more than the limit is held.
func TestSplitMemory(t *testing.T) {
	f := func(name string, chunk []byte) {
		t.Helper()
		n := 0
		s := newSplitter(generated{func() []byte {
			if n++; n > 200 {
				return nil
			}
			return chunk
		}}, 1<<20)
		total, held := int64(0), 0
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for {
			payload, size, err := s.next()
			if err != nil {
				break
			}
			total += size
			held = max(held, cap(payload))
		}
		runtime.ReadMemStats(&after)
		if total < 10<<20 {
			t.Fatalf("%s: only %d bytes read", name, total)
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; held > 2<<20 || allocated > 6<<20 {
			t.Errorf("%s: %d bytes held, %d allocated", name, held, allocated)
		}
	}
	f("a string", append([]byte{'{', '"'}, bytes.Repeat([]byte("x"), 60<<10)...))
	f("brackets", bytes.Repeat([]byte("["), 60<<10))
	f("noise", bytes.Repeat([]byte("x"), 60<<10))
}

// Lines that each could be a part of the first one are not read again and again.
func TestSplitIsNotQuadratic(t *testing.T) {
	const lines = 200_000
	n := 0
	in := strings.NewReader(strings.Repeat("{\"a\":[\n", lines))
	s := newSplitter(readCounter{in, &n}, 32<<20)
	records, looked := 0, 0
	for {
		_, size, err := s.next()
		if err != nil {
			break
		}
		records++
		looked += int(size)
	}
	if records != lines || looked != lines*6+1 { // the last one keeps the line break before the end
		t.Errorf("got %d records of %d bytes", records, looked)
	}
}

type readCounter struct {
	io.Reader
	n *int
}

func (r readCounter) Read(p []byte) (int, error) {
	*r.n++
	return r.Reader.Read(p)
}

func TestSplitReadError(t *testing.T) {
	fault := errors.New("disk")
	s := newSplitter(io.MultiReader(strings.NewReader(`{"a":1} {"b"`), iotest.ErrReader(fault)), 100)
	if p, _, err := s.next(); string(p) != `{"a":1}` || err != nil {
		t.Errorf("%q, %v", p, err)
	}
	if p, _, err := s.next(); string(p) != `{"b"` || !errors.Is(err, fault) {
		t.Errorf("%q, %v", p, err)
	}
	s = newSplitter(generated{func() []byte { return []byte{} }}, 100)
	if _, _, err := s.next(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("%v", err)
	}
}

// Valid objects, separated by any white space, come out as they went in; of any
// other bytes nothing is lost or invented but the white space between records.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("{\"a\":[\n{},{\n}]}\x00{\"b\":\"}\"}"), uint8(0))
	f.Add([]byte("{\"a\":\"x\n{\"b\":[\n{\"c\":1}\nnoise"), uint8(1))
	f.Add([]byte("\xef\xbb\xbf{}}[}\n{"), uint8(3))
	f.Fuzz(func(t *testing.T, in []byte, n uint8) {
		checkSplit(t, in)
		// NUL bytes cut the input into values; those that are objects are joined again.
		space := []string{"", "\n", " ", "\r\n\r\n", "\t\n ", "\n\n"}
		var stream bytes.Buffer
		var want []string
		for i, part := range bytes.Split(in, []byte{0}) {
			part = bytes.TrimSpace(part)
			if len(part) == 0 || part[0] != '{' || !json.Valid(part) {
				continue
			}
			want = append(want, string(part))
			stream.Write(part)
			stream.WriteString(space[(i+int(n))%len(space)])
		}
		got, _ := split(t, &stream, 1<<30)
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// checkSplit splits any bytes: what comes out must be what went in.
func checkSplit(t *testing.T, in []byte) {
	got, sizes := split(t, bytes.NewReader(in), 1<<30)
	rest := in
	for i, payload := range got {
		if sizes[i] != int64(len(payload)) || payload == "" {
			t.Fatalf("record %d: size %d, %q", i, sizes[i], payload)
		}
		rest = trimSpace(rest)
		if !bytes.HasPrefix(rest, []byte(payload)) {
			t.Fatalf("record %d, %q, does not follow in %q", i, payload, rest)
		}
		rest = rest[len(payload):]
	}
	if rest = trimSpace(rest); len(rest) > 0 {
		t.Fatalf("%q is lost", rest)
	}
	// With a limit the ends are the same, as long as nothing is damaged.
	if len(got) == 1 && json.Valid([]byte(got[0])) {
		_, small := split(t, bytes.NewReader(in), 3)
		if !slices.Equal(small, sizes) {
			t.Fatalf("sizes with a limit %v, without %v", small, sizes)
		}
	}
	if byByte, _ := split(t, iotest.OneByteReader(bytes.NewReader(in)), 1<<30); !slices.Equal(byByte, got) {
		t.Fatalf("read byte by byte %q, else %q", byByte, got)
	}
}

// trimSpace takes off what belongs to no record.
func trimSpace(b []byte) []byte {
	for {
		t := bytes.TrimPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte(bom))
		if len(t) == len(b) {
			return t
		}
		b = t
	}
}

func BenchmarkSplit(b *testing.B) {
	line := `{"id":12345,"log":"` +
		strings.Repeat(`- {\"dt\": \"2025-11-19T10:00:00\", \"lvl\": \"target\", \"msg\": \"[    1.234] something\"}\n`,
			1000) + `"}` + "\n"
	in := strings.Repeat(line, 100)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if got, _ := split(b, strings.NewReader(in), 32<<20); len(got) != 100 {
			b.Fatal(fmt.Sprint(len(got), " records"))
		}
	}
}
