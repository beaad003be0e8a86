package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// tree makes files below a new folder and returns it.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

func zip(t *testing.T, content string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(content))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// all runs f and returns its records.
func all(t *testing.T, f *Files) []Record {
	t.Helper()
	var got []Record
	err := f.Run(t.Context(), func(_ context.Context, r Record) error {
		got = append(got, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func payloads(rs []Record) (out []string) {
	for _, r := range rs {
		out = append(out, string(r.Payload))
	}
	return out
}

func TestFolder(t *testing.T) {
	dir := tree(t, map[string]string{
		"b.json": "b", "a.json": "a", "sub/deep/c.json.gz": zip(t, "c"), "sub/d.json": zip(t, "d"), "e.json.gz": "e",
		"notes.txt": "x", "README": "x", "x.json.bak": "x", ".hidden.json": "h", "empty.json": "",
		"sub/job_data.gz": zip(t, "j"), "sub/output.yaml.gz": zip(t, "x"), "sub/old_job_data.gz": zip(t, "x"),
	})
	link(t, filepath.Join(dir, "a.json"), filepath.Join(dir, "z.json"))
	link(t, filepath.Join(dir, "sub"), filepath.Join(dir, "subagain"))
	link(t, dir, filepath.Join(dir, "sub", "loop"))
	got := all(t, &Files{Paths: []Path{{Name: dir, Kind: "boot"}}})
	if want := []string{"h", "a", "b", "e", "", "d", "c", "j", "a"}; !slices.Equal(payloads(got), want) {
		t.Errorf("got %q, want %q", payloads(got), want)
	}
	for _, r := range got {
		if r.Kind != "boot" || r.Err != nil || r.Size != int64(len(r.Payload)) || !strings.HasPrefix(r.Name, dir) {
			t.Errorf("got %+v", r)
		}
	}
	if got[6].Name != filepath.Join(dir, "sub", "deep", "c.json.gz") {
		t.Errorf("name %s", got[6].Name)
	}
}

// A folder in which there is nothing to read is told, once and by its name.
func TestEmptyFolder(t *testing.T) {
	dir := tree(t, map[string]string{"output.yaml": "x", "sub/x.txt": "x"})
	var empty []string
	f := &Files{Paths: []Path{{Name: dir}, {Name: tree(t, map[string]string{"a/job_data.gz": "x"})}},
		Empty: func(path string) { empty = append(empty, path) }}
	if got := all(t, f); len(got) != 1 || !slices.Equal(empty, []string{dir}) {
		t.Errorf("%d records, empty %q", len(got), empty)
	}
}

// A link to a folder that the user names is entered, and keeps its name.
func TestFolderNamedByLink(t *testing.T) {
	dir := tree(t, map[string]string{"real/a.json": "a"})
	current := filepath.Join(dir, "current")
	link(t, filepath.Join(dir, "real"), current)
	got := all(t, &Files{Paths: []Path{{Name: current}}})
	if len(got) != 1 || got[0].Name != filepath.Join(current, "a.json") {
		t.Errorf("got %+v", got)
	}
}

func TestNamedFile(t *testing.T) {
	dir := tree(t, map[string]string{"callback": "{}", "zipped": zip(t, "{1}") + zip(t, "{2}")})
	got := all(t, &Files{Paths: []Path{{Name: filepath.Join(dir, "callback"), Kind: "lava"},
		{Name: filepath.Join(dir, "zipped")}}})
	if len(got) != 2 || got[0].Kind != "lava" || got[1].Kind != "" {
		t.Fatalf("got %+v", got)
	}
	if string(got[1].Payload) != "{1}{2}" { // gzip members follow one another (RFC 1952, 2.2)
		t.Errorf("got %q", got[1].Payload)
	}
}

func TestUnreadable(t *testing.T) {
	dir := tree(t, map[string]string{"a.json": "a", "c.json": "c"})
	link(t, filepath.Join(dir, "gone"), filepath.Join(dir, "b.json"))
	var unreadable []string
	f := &Files{Paths: []Path{{Name: filepath.Join(dir, "none")}, {Name: dir}},
		Unreadable: func(path string, err error) {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", path, err)
			}
			unreadable = append(unreadable, filepath.Base(path))
		}}
	if got := payloads(all(t, f)); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("got %q", got)
	}
	if !slices.Equal(unreadable, []string{"none", "b.json"}) {
		t.Errorf("unreadable: %q", unreadable)
	}
	if err := f.Check(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "none") {
		t.Errorf("Check: %v", err)
	}
	f.Paths, f.Unreadable = f.Paths[1:], nil
	if err := f.Check(); err != nil {
		t.Errorf("Check: %v", err)
	}
	if err := f.Run(t.Context(), func(context.Context, Record) error { return nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without Unreadable: %v", err)
	}
}

func TestRunEndsWithEmitAndContext(t *testing.T) {
	dir := tree(t, map[string]string{"a.json": "a", "b.json": "b", "c.json": "c"})
	f := &Files{Paths: []Path{{Name: dir}, {Name: filepath.Join(dir, "a.json")}}}
	enough, n := errors.New("enough"), 0
	if err := f.Run(t.Context(), func(context.Context, Record) error { n++; return enough }); !errors.Is(err, enough) ||
		n != 1 {
		t.Errorf("%d emitted, %v", n, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	n = 0
	if err := f.Run(ctx, func(context.Context, Record) error { n++; cancel(enough); return nil }); !errors.Is(err,
		enough) || n != 1 {
		t.Errorf("%d emitted, %v", n, err)
	}
}

func TestTooLarge(t *testing.T) {
	const limit = 100 << 10
	exact, over := strings.Repeat("x", limit), strings.Repeat("y", limit+1)
	f := func(name, content string, limit int64, want Record) {
		t.Helper()
		dir := tree(t, map[string]string{"f.json": content})
		got := all(t, &Files{Paths: []Path{{Name: dir}}, MaxRecordBytes: limit})[0]
		if !errors.Is(got.Err, want.Err) || got.Size != want.Size || string(got.Payload) != string(want.Payload) {
			t.Errorf("%s: got %d bytes, size %d, %v; want %d bytes, size %d, %v",
				name, len(got.Payload), got.Size, got.Err, len(want.Payload), want.Size, want.Err)
		}
		if cap(got.Payload) > 2*len(got.Payload)+bytes.MinRead {
			t.Errorf("%s: holds %d bytes for %d", name, cap(got.Payload), len(got.Payload))
		}
	}
	f("at the limit", exact, limit, Record{Payload: []byte(exact), Size: limit})
	f("over", over, limit, Record{Payload: []byte(over[:keepOfTooLarge]), Size: limit + 1, Err: ErrTooLarge})
	f("gzip at the limit", zip(t, exact), limit, Record{Payload: []byte(exact), Size: limit})
	f("gzip over", zip(t, over), limit, Record{Payload: []byte(over[:keepOfTooLarge]), Size: -1, Err: ErrTooLarge})
	f("small limit", "12345678901", 10, Record{Payload: []byte("1234567890"), Size: 11, Err: ErrTooLarge})
	f("gzip, small limit", zip(t, "12345678901"), 10, Record{Payload: []byte("1234567890"), Size: -1, Err: ErrTooLarge})
	f("over and damaged", zip(t, over)[:len(zip(t, over))-6], limit,
		Record{Payload: []byte(over[:keepOfTooLarge]), Size: -1, Err: ErrTooLarge})
}

// A bomb costs no more memory than a record of the limit.
func TestGzipBomb(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range 32 {
		_, _ = w.Write(zeros)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := tree(t, map[string]string{"bomb.json.gz": b.String()})
	read := func(f *Files) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := all(t, f)
		runtime.ReadMemStats(&after)
		if len(got) != 1 || !errors.Is(got[0].Err, ErrTooLarge) || int64(len(got[0].Payload)) != keepOfTooLarge {
			t.Fatalf("got %d records, %v", len(got), got[0].Err)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	if n := read(&Files{Paths: []Path{{Name: dir}}, MaxRecordBytes: 1 << 20}); n > 12<<20 {
		t.Errorf("%d bytes allocated for a file over a limit of 1 MiB", n)
	}
	if n := read(&Files{Paths: []Path{{Name: "-"}}, Stdin: &b, MaxRecordBytes: 1 << 20}); n > 12<<20 {
		t.Errorf("%d bytes allocated for standard input over a limit of 1 MiB", n)
	}
}

func TestDamagedGzip(t *testing.T) {
	whole := zip(t, strings.Repeat("0123456789", 100_000))
	flipped := []byte(whole)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	f := func(name, content string, wantBytes bool) {
		t.Helper()
		dir := tree(t, map[string]string{"f.json.gz": content})
		for _, files := range []*Files{
			{Paths: []Path{{Name: dir}}},
			{Paths: []Path{{Name: "-"}}, Stdin: strings.NewReader(content)},
		} {
			got := all(t, files)
			var damaged *GzipError
			if len(got) != 1 || !errors.As(got[0].Err, &damaged) || got[0].Size != -1 ||
				(len(got[0].Payload) > 0) != wantBytes {
				t.Errorf("%s, %s: got %d records, %d bytes, size %d, %v",
					name, files.Paths[0].Name, len(got), len(got[0].Payload), got[0].Size, got[0].Err)
			}
		}
	}
	f("cut", whole[:len(whole)/2], true)
	f("checksum", string(flipped), true)
	f("header only", "\x1f\x8b", false)
	f("header and noise", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff", false)
	f("noise behind", whole+"noise", true)
}

func TestReadFile(t *testing.T) {
	dir := tree(t, map[string]string{"f.json": "12345"})
	path := filepath.Join(dir, "f.json")
	if r, err := ReadFile(path, 0); err != nil || string(r.Payload) != "12345" || r.Name != path {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := ReadFile(path, 4); err != nil || !errors.Is(r.Err, ErrTooLarge) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "none"), "stdin:3"} {
		if _, err := ReadFile(path, 0); err == nil {
			t.Errorf("%s: read", path)
		}
	}
}

func TestLimited(t *testing.T) {
	rec := Record{Payload: []byte("12345"), Size: 5}.Limited(4)
	if !errors.Is(rec.Err, ErrTooLarge) || string(rec.Payload) != "1234" || rec.Size != 5 {
		t.Errorf("%+v", rec)
	}
	if rec := (Record{Payload: []byte("1234"), Size: 4}).Limited(4); rec.Err != nil {
		t.Errorf("%+v", rec)
	}
}
