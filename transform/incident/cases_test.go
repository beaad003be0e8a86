package incident

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// reportCase is a console log of which it is known what is in it.
type reportCase struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Alt       []string `json:"alt"`
	Type      string   `json:"incident_type"`
	Corrupted bool     `json:"corrupted"`
	InScope   *bool    `json:"in_scope"`
	Titles    []string `json:"titles"`
	Log       string   `json:"log"`
}

// sharedCases reads the reports that are kept beside the repository; without
// them the test is skipped.
func sharedCases(t *testing.T, name string) (all []reportCase) {
	t.Helper()
	root := os.Getenv("KCING_SHARED")
	if root == "" {
		root = "../../../shared"
	}
	f, err := os.Open(filepath.Join(root, "data", "incidents", name))
	if err != nil {
		t.Skip("no reports beside the repository")
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var c reportCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func TestReportsOfOthers(t *testing.T) {
	titled, exact, typed := 0, 0, 0
	for _, c := range sharedCases(t, "reports.ndjson") {
		got := incidentsOf(c.Log)
		switch {
		case c.Title == "":
			if len(got) > 0 {
				t.Errorf("%s: %q where nothing is", c.ID, got[0].Title)
			}
			continue
		case c.InScope != nil && !*c.InScope:
			continue
		case c.Corrupted:
			checkCorrupted(t, c, got)
			continue
		}
		titled++
		first := Incident{}
		if len(got) > 0 {
			first = got[0]
		}
		if first.Kind == Kind(c.Type) {
			typed++
		}
		if first.Title == c.Title || slices.Contains(c.Alt, first.Title) {
			exact++
		} else {
			t.Logf("%s: %q, want %q", c.ID, first.Title, c.Title)
		}
	}
	t.Logf("%d reports, %d exact, %d of the right kind", titled, exact, typed)
	if exact*100 < titled*95 || typed*100 < titled*98 {
		t.Errorf("of %d reports %d have the title and %d the kind", titled, exact, typed)
	}
}

func checkCorrupted(t *testing.T, c reportCase, got []Incident) {
	t.Helper()
	if len(got) == 0 {
		t.Logf("%s: nothing found, %q", c.ID, c.Title)
		return
	}
	f := got[0].Function
	if f != "" && !strings.Contains(strings.Join(append(c.Alt, c.Title), " "), f) &&
		!strings.Contains(got[0].Message, f) {
		t.Logf("%s: %q names a wrong function, want %q", c.ID, got[0].Title, c.Title)
	}
}

func TestBootsOfOthers(t *testing.T) {
	for _, name := range []string{"boots.ndjson", "negatives.ndjson"} {
		for _, c := range sharedCases(t, name) {
			var titles []string
			for _, in := range incidentsOf(c.Log) {
				titles = append(titles, in.Title)
			}
			slices.Sort(titles)
			slices.Sort(c.Titles)
			if !slices.Equal(titles, c.Titles) {
				t.Errorf("%s: %q, want %q", c.ID, titles, c.Titles)
			}
		}
	}
}

// incidentsOf reads a log as the transform does: only the lines that the reader
// wants.
func incidentsOf(log string) []Incident {
	var r Reader
	for i, line := range strings.Split(log, "\n") {
		if r.Reading() || Suspect([]byte(line)) {
			r.Line(i+1, line)
		}
	}
	return r.Incidents()
}
