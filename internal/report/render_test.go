package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"

	"github.com/kcing/kcing/kibana"
	"github.com/kcing/kcing/mappings"
)

// sample is a report with something of everything, and with texts that mean mischief.
func sample() *Report {
	const evil = `<script>alert("x")</script> ' ! \ ` + "\x1b[31m"
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	change := func(c Change, board string) Difference {
		return Difference{
			Kind: "test", Change: c, Board: board, Arch: "arm64", Defconfig: "defconfig", Compiler: "gcc-12",
			Lab:      "lab-a",
			TestPath: "ltp/" + strings.Repeat("長い名前", 40), Old: Pass, New: Fail, SinceKernel: "v6.8", Since: day,
			Incident: evil,
		}
	}
	t := Tree{
		Tree: "mainline", Branch: "master", Kernel: "v6.10", Previous: "v6.9",
		Builds: Results{Pass: 3}, Boots: Results{Pass: 1, Fail: 1}, PreviousBoots: Results{Pass: 2},
		Tests:  Results{Inconclusive: 4},
		Counts: map[Change]int{Regression: 30, StillFailing: 1}, Changes: []Difference{change(StillFailing, evil)},
		Matrix: []BoardRow{{Board: evil, Cells: []Cell{{Kernel: "v6.9", Results: Results{Pass: 2}},
			{Kernel: "v6.10", Results: Results{Pass: 1, Fail: 1}}}}},
	}
	for range 25 {
		t.Changes = append(t.Changes, change(Regression, "b1"))
	}
	return &Report{
		Since: day, Until: day.AddDate(0, 0, 7), LeftOut: 5, Trees: []Tree{t},
		Incidents: []Incident{
			{Title: evil, Type: "warning", Jobs: 2, Boards: []string{"a", "b", "c"}, Labs: []string{"l"}, First: day,
				Last: day, New: true},
			{Title: "Job error: 'commands'", Type: "job", Jobs: 1, First: day, Last: day},
		},
		Labs:   []Place{{Lab: "lab-a", Results: Results{Pass: 1, Fail: 1, Inconclusive: 2}, Lost: 1}},
		Boards: []Place{{Board: evil, Results: Results{Inconclusive: 2}}},
		Days: []Day{{"mainline", "master", day, Results{Pass: 1}},
			{"mainline", "master", day.AddDate(0, 0, 2), Results{Fail: 1}}},
	}
}

func TestTextFitsAMail(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := sample().WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSuffix(line, "\n")
		if n := uniseg.StringWidth(line); n > Width {
			t.Errorf("%d columns: %s", n, line)
		}
		if strings.ContainsAny(line, "\x1b\t\r") {
			t.Errorf("a control character in %q", line)
		}
	}
	for _, want := range []string{"regression: 30\n", "… and 10 more", "5 changes and incidents left out (--limit)",
		"errors of jobs: 1", "since v6.8"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestNothingIsCut: what does not fit goes on in the next line.
func TestNothingIsCut(t *testing.T) {
	t.Parallel()
	const title = "BUG: unable to handle kernel NULL pointer dereference in meson_pcie_probe_with_a_long_name"
	day := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	long := strings.Repeat("ユ", 60) // 120 columns without a blank
	d := Difference{
		Kind: "test", Change: StillFailing, Board: "meson-g12b-a311d-khadas-vim3", Arch: "arm64", Defconfig: "defconfig",
		TestPath: long, Incident: title, SinceKernel: "next-20261126-17-g1234567890ab", Since: day, Lab: "lab-collabora",
	}
	r := &Report{
		Trees: []Tree{{Tree: "next", Branch: "master", Kernel: "next-20261128", Changes: []Difference{d},
			Counts: map[Change]int{StillFailing: 1}}},
		Incidents: []Incident{{Title: title, Jobs: 12, First: day, Last: day.AddDate(0, 0, 2),
			Boards: []string{"meson-g12b-a311d-khadas-vim3", "meson-sm1-s905d3-libretech-cc"},
			Labs:   []string{"lab-collabora", "lab-baylibre-seattle"}}},
	}
	var out strings.Builder
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if n := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); n > Width {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	words := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{title + ", since next-20261126-17-g1234567890ab, from 2026-11-26, in lab-collabora",
		"(lab-collabora, lab-baylibre-seattle); 2026-11-26 to 2026-11-28", "on meson-g12b-a311d-khadas-vim3 arm64"} {
		if !strings.Contains(words, want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), "ユ"); n != 60 {
		t.Errorf("%d of 60 characters in\n%s", n, out.String())
	}
}

// TestPage: well-formed, nothing to load or to run, headings in order, texts as
// they are.
func TestPage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := sample().WriteHTML(&out, Links{Base: "https://kibana.example/s/lab"}); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, no := range []string{"<script", "@import", "url(", "ZgotmplZ", "\x1b", " src="} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %q", no)
		}
	}
	for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(href[1], "https://kibana.example/s/lab/app/") && !strings.HasPrefix(href[1], "#") &&
			href[1] != "data:," {
			t.Errorf("a link to %s", href[1])
		}
	}
	for _, want := range []string{"<svg", "✕", "prefers-color-scheme", "@media print", "&lt;script&gt;",
		`scope="col"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	level := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && len(e.Name.Local) == 2 && e.Name.Local[0] == 'h' &&
			e.Name.Local != "hr" {
			n := int(e.Name.Local[1] - '0')
			if n > level+1 {
				t.Errorf("h%d follows h%d", n, level)
			}
			level = n
		}
	}
}

// TestOtherTrees: text and page name them as JSON does.
func TestOtherTrees(t *testing.T) {
	t.Parallel()
	var text, page strings.Builder
	r := &Report{Others: []string{"mainline master", "next main"}}
	if err := errors.Join(r.WriteText(&text), r.WriteHTML(&page, Links{})); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{text.String(), page.String()} {
		for _, want := range []string{"that these filters leave", "mainline master", "next main"} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in %s", want, out)
			}
		}
	}
}

// TestLinks lead to pages that setup-kibana imports, and ask there for the row
// whatever is in its title.
func TestLinks(t *testing.T) {
	t.Parallel()
	objects, err := kibana.Objects("")
	if err != nil {
		t.Fatal(err)
	}
	l := Links{Base: "https://kibana.example"}
	f := func(link, page, query string) {
		t.Helper()
		if !slices.ContainsFunc(objects, func(o kibana.Object) bool { return o.Type == "dashboard" && o.ID == page }) {
			t.Errorf("no dashboard %s", page)
		}
		want := "https://kibana.example/app/dashboards#/view/" + page +
			"?_g=(time:(from:now-90d,to:now))&_a=(query:(language:kuery,query:'" + query + "'))"
		if got, err := url.PathUnescape(link); err != nil || got != want {
			t.Errorf("%s, want %s (%v)", got, want, err)
		}
	}
	f(l.incident(Incident{Title: `It's "stuck"!`}), "kcing-incidents", `title:"It!'s \"stuck\"!!"`)
	f(l.change(Difference{Kind: mappings.Test, TestPath: "ltp/mmap01", Board: "b", Arch: "arm64"}),
		"kcing-test-history", `test_path:"ltp/mmap01" and board:"b" and arch:"arm64"`)
	f(l.change(Difference{Kind: mappings.Boot, Board: "b", Defconfig: "d", Arch: "arm64"}), "kcing-board",
		`board:"b" and defconfig_full:"d" and arch:"arm64"`)
	f(l.change(Difference{Kind: mappings.Build, Defconfig: "d", Arch: "arm64"}), "kcing-builds",
		`defconfig_full:"d" and arch:"arm64"`)
}

func TestNaturally(t *testing.T) {
	t.Parallel()
	sorted := []string{"", "next-20260101", "next-20260102", "v6.9", "v6.9-rc2", "v6.9-rc10", "v6.10", "v6.10.1"}
	for i := range sorted {
		for j := range sorted {
			if got := naturally(sorted[i], sorted[j]); got != min(max(i-j, -1), 1) {
				t.Errorf("naturally(%q, %q) = %d", sorted[i], sorted[j], got)
			}
		}
	}
}
