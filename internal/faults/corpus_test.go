package faults

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// corpus is a folder of records and the documents that they become.
type corpus struct {
	dir       string
	records   int
	documents documents
}

// documents are the digests of documents' sources by "index/id", without prefix.
type documents map[string][sha256.Size]byte

// digest is that of JSON without insignificant white space.
func digest(source []byte) ([sha256.Size]byte, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, source); err != nil {
		return [sha256.Size]byte{}, err
	}
	return sha256.Sum256(b.Bytes()), nil
}

// synthetic is a corpus that tests share: they must not write to its folder.
// Profile real has some 800 documents a record, profile demo some 130.
func synthetic(t *testing.T, records int, profile string) *corpus {
	t.Helper()
	name := fmt.Sprint(profile, records)
	if c := equipment.corpora[name]; c != nil {
		return c
	}
	dir := filepath.Join(equipment.dir, name)
	makeRecords(t, dir, records, profile)
	c := &corpus{dir: dir, records: records, documents: expected(t, dir)}
	equipment.corpora[name] = c
	return c
}

// usual is the corpus of most tests: some 2,600 documents of 20 records of all
// kinds.
func usual(t *testing.T) *corpus {
	t.Helper()
	return synthetic(t, 20, "demo")
}

func makeRecords(t *testing.T, dir string, records int, profile string) {
	t.Helper()
	kcing(t, "samples", "--synthetic", "--sample-size", strconv.Itoa(records), "--profile", profile, "--seed", "11",
		"--samples-dir", dir)
}

// kcing runs it without Elasticsearch and returns its stdout.
func kcing(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(plainProgram(t), append(args, "--env-file", os.DevNull)...)
	cmd.Dir, cmd.Env = t.TempDir(), []string{"GORACE=" + raceOptions}
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("kcing %s: %v\n%s", strings.Join(args, " "), err, problems.String())
	}
	return out.Bytes()
}

// expected reads what feed --dry-run makes of the records in dir.
func expected(t *testing.T, dir string) documents {
	t.Helper()
	want := documents{}
	lines := bufio.NewScanner(bytes.NewReader(kcing(t, "feed", "--dry-run", dir)))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var action struct {
			Create struct {
				Index string `json:"_index"`
				ID    string `json:"_id"`
			} `json:"create"`
		}
		if err := json.Unmarshal(lines.Bytes(), &action); err != nil || action.Create.Index == "" || !lines.Scan() {
			t.Fatalf("not a bulk body: %v", err)
		}
		key := action.Create.Index + "/" + action.Create.ID
		if _, twice := want[key]; twice {
			t.Fatalf("two documents %s", key)
		}
		var err error
		if want[key], err = digest(lines.Bytes()); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	if err := lines.Err(); err != nil || len(want) == 0 {
		t.Fatalf("%d documents, %v", len(want), err)
	}
	return want
}

// indices are the names of the corpus's indices, without prefix.
func (d documents) indices() []string {
	names := map[string]bool{}
	for key := range d {
		index, _, _ := strings.Cut(key, "/")
		names[index] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// index is the corpus's only index of a kind.
func (c *corpus) index(t *testing.T, kind string) string {
	t.Helper()
	var found []string
	for _, name := range c.documents.indices() {
		if strings.HasPrefix(name, kind+"-") {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		t.Fatalf("the indices of kind %s are %q, want one", kind, found)
	}
	return found[0]
}

// of are the documents of one index.
func (d documents) of(index string) documents {
	out := documents{}
	for key, sum := range d {
		if strings.HasPrefix(key, index+"/") {
			out[key] = sum
		}
	}
	return out
}

// holds wants exactly these documents in Elasticsearch.
func (w *workplace) holds(want documents) {
	w.t.Helper()
	got := w.es.documents(w.prefix)
	if problems := differences(got, want); len(problems) > 0 {
		const most = 5
		w.t.Fatalf("%d documents in Elasticsearch, %d expected, %d differ:\n%s", len(got), len(want), len(problems),
			strings.Join(problems[:min(most, len(problems))], "\n"))
	}
}

// differences are lines about what is missing, in excess, or not the same.
func differences(got, want documents) (lines []string) {
	for key, sum := range want {
		if have, found := got[key]; !found {
			lines = append(lines, "missing: "+key)
		} else if have != sum {
			lines = append(lines, "not the same: "+key)
		}
	}
	for key := range got {
		if _, found := want[key]; !found {
			lines = append(lines, "in excess: "+key)
		}
	}
	slices.Sort(lines)
	return lines
}

// complete is what every test ends with: the documents of the corpus and no
// others are in the index, all records are finished, nothing is rejected, and a
// further run finds nothing to do.
func (w *workplace) complete(c *corpus) {
	w.t.Helper()
	w.holds(c.documents)
	if finished, rejects := w.state(); finished != c.records || rejects != 0 {
		w.t.Errorf("%d records finished and %d rejects, want %d and none", finished, rejects, c.records)
	}
	out, _ := w.run(exitOK, "feed", c.dir, "--json")
	if r := w.report(out); r.Get("pending").Int() != 0 || r.Get("skipped").Int() != int64(c.records) ||
		r.Get("bulk.added").Int() != 0 {
		w.t.Errorf("a further run finds something to do: %s", out)
	}
}

// The comparison is what all other tests rest on.
func TestDifferences(t *testing.T) {
	t.Parallel()
	a, b := [sha256.Size]byte{1}, [sha256.Size]byte{2}
	got := differences(documents{"i/1": a, "i/2": b, "i/3": a}, documents{"i/1": a, "i/2": a, "i/4": a})
	if want := []string{"in excess: i/3", "missing: i/4", "not the same: i/2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
