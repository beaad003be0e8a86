package synthetic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

var testNow = time.Date(2025, 7, 4, 0, 0, 0, 0, time.UTC)

type callback struct {
	ID          int64
	Status      int
	LabName     string `json:"lab_name"`
	SubmitTime  string `json:"submit_time"`
	StartTime   string `json:"start_time"`
	EndTime     string `json:"end_time"`
	DeviceID    string `json:"actual_device_id"`
	Definition  string
	Log         string
	Results     map[string]string
	Description string
}

func decodeCallback(t *testing.T, r Record) callback {
	t.Helper()
	var c callback
	if err := json.Unmarshal(r.Payload, &c); err != nil {
		t.Fatalf("%s: %v", r.Name, err)
	}
	return c
}

type logLine struct {
	Dt, Lvl string
	Msg     yaml.Node
	Ns      string
}

type resultRow struct {
	ID, Job, Level, Logged, Measurement, Name, Result, Suite, Unit, URL string

	LogStartLine string `yaml:"log_start_line"`
	LogEndLine   string `yaml:"log_end_line"`
	Metadata     map[string]yaml.Node
}

// A change of these digests means other bytes for the same seed: say so in the
// change, and make sure that it is meant.
func TestSameOptionsGiveTheSameBytes(t *testing.T) {
	f := func(o Options, want string) {
		t.Helper()
		digest := func() string {
			h := sha256.New()
			for r := range Records(o) {
				h.Write(fmt.Appendf(nil, "%s %s %d\n", r.Name, r.Kind, len(r.Payload)))
				h.Write(r.Payload)
			}
			return hex.EncodeToString(h.Sum(nil))
		}
		first := digest()
		if again := digest(); again != first {
			t.Errorf("%+v: twice, two results", o)
		}
		if first != want {
			t.Errorf("%+v: digest %s, want %s", o, first, want)
		}
	}
	f(Options{Size: 120, Seed: 7, Now: testNow}, "1a8f400053f1671646df9a830cafcfd42caed28fbfbba58b8f76e97ed8774b35")
	f(Options{Size: 24, Seed: 7, Now: testNow, Profile: Real},
		"9aef74dfaceedf4cefc9206816ce715afbbbefecd66b5b72780b8b028de93f1a")
}

// TestOtherOptionsGiveOtherRecords: records of another day, size, seed or profile have
// other ids, so that they can be fed beside the ones before.
func TestOtherOptionsGiveOtherRecords(t *testing.T) {
	of := map[string]Options{}
	sets := []Options{{Size: 2500, Seed: 1, Now: testNow.AddDate(0, 0, 3)}, {Size: 40, Seed: 1, Now: testNow, Profile: Real}}
	for day := range 3 {
		for _, size := range []int{1, 2, 20, 40, 100, 101} {
			for seed := range uint64(2) {
				sets = append(sets, Options{Size: size, Seed: seed, Now: testNow.AddDate(0, 0, day)})
			}
		}
	}
	for _, o := range sets {
		for r := range Records(o) {
			if other, there := of[r.Name]; there {
				t.Errorf("%s is of %+v and of %+v", r.Name, other, o)
			}
			of[r.Name] = o
		}
	}
}

func TestSeedAndNowMatter(t *testing.T) {
	names := func(o Options) string {
		all := ""
		for r := range Records(o) {
			all += r.Name + string(r.Payload[:80])
		}
		return all
	}
	base := names(Options{Size: 30, Seed: 1, Now: testNow})
	if base == names(Options{Size: 30, Seed: 2, Now: testNow}) {
		t.Error("another seed gives the same records")
	}
	if base == names(Options{Size: 30, Seed: 1, Now: testNow.AddDate(0, 0, 1)}) {
		t.Error("another day gives the same records")
	}
	if base != names(Options{Size: 30, Seed: 1, Now: testNow.In(time.FixedZone("", 7200))}) {
		t.Error("the zone of Now matters")
	}
}

func TestSizeIsTheNumberOfRecords(t *testing.T) {
	for _, size := range []int{-1, 0, 1, 2, 3, 5, 17, 99, 401} {
		got := 0
		for range Records(Options{Size: size, Now: testNow}) {
			got++
		}
		if want := max(size, 0); got != want {
			t.Errorf("size %d: %d records", size, got)
		}
	}
	got := 0
	for range Records(Options{Size: 50, Now: testNow}) {
		if got++; got == 7 {
			break
		}
	}
	if got != 7 {
		t.Errorf("stopped after %d", got)
	}
}

func TestZeroNowIsTheStartOfToday(t *testing.T) {
	before := time.Now().UTC()
	for r := range Records(Options{Size: 1}) {
		var b struct {
			ID struct {
				OID string `json:"$oid"`
			} `json:"_id"`
		}
		if err := json.Unmarshal(r.Payload, &b); err != nil {
			t.Fatal(err)
		}
		seconds, err := strconv.ParseInt(b.ID.OID[:8], 16, 64)
		if age := before.Sub(time.Unix(seconds, 0)); err != nil || age < 0 || age > Window+48*time.Hour {
			t.Errorf("first record is %v old (%v)", age, err)
		}
	}
}

func TestNamesAndIdsAreUniqueAndTimesInTheWindow(t *testing.T) {
	seen := map[string]bool{}
	once := func(id string) {
		t.Helper()
		if seen[id] {
			t.Errorf("%s twice", id)
		}
		seen[id] = true
	}
	within := func(name string, at time.Time) {
		t.Helper()
		if at.Before(testNow.Add(-Window)) || !at.Before(testNow) {
			t.Errorf("%s: %v is not in the window", name, at)
		}
	}
	for r := range Records(Options{Size: 500, Seed: 11, Now: testNow}) {
		once(r.Name)
		if r.Kind != "lava" {
			at, oid := createdOf(t, r)
			within(r.Name, at)
			once(oid)
			if want := r.Kind + "_" + oid + ".json"; r.Name != want || len(oid) != 24 {
				t.Errorf("name %s for id %s", r.Name, oid)
			}
			continue
		}
		c := decodeCallback(t, r)
		once(c.LabName + "/" + strconv.FormatInt(c.ID, 10))
		var last time.Time
		for _, text := range []string{c.SubmitTime, c.StartTime, c.EndTime} {
			at, err := time.Parse("2006-01-02 15:04:05-07:00", text)
			if err != nil || at.Before(last) {
				t.Errorf("%s: time %q after %v: %v", r.Name, text, last, err)
			}
			within(r.Name, at)
			last = at
		}
	}
}

func createdOf(t *testing.T, r Record) (time.Time, string) {
	t.Helper()
	var b struct {
		ID struct {
			OID string `json:"$oid"`
		} `json:"_id"`
		CreatedOn json.RawMessage `json:"created_on"`
	}
	if err := json.Unmarshal(r.Payload, &b); err != nil {
		t.Fatalf("%s: %v", r.Name, err)
	}
	var text string
	if json.Unmarshal(b.CreatedOn, &text) == nil {
		for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05-07:00"} {
			if at, err := time.Parse(layout, text); err == nil {
				return at, b.ID.OID
			}
		}
		t.Fatalf("%s: created_on %q", r.Name, text)
	}
	var date struct {
		Date int64 `json:"$date"`
	}
	if err := json.Unmarshal(b.CreatedOn, &date); err != nil || date.Date == 0 {
		t.Fatalf("%s: created_on %s: %v", r.Name, b.CreatedOn, err)
	}
	return time.UnixMilli(date.Date), b.ID.OID
}

func TestCallbacksAreValid(t *testing.T) {
	f := func(o Options) {
		t.Helper()
		for r := range Records(o) {
			if r.Kind == "lava" {
				checkCallback(t, r)
			}
		}
	}
	f(Options{Size: 90, Seed: 5, Now: testNow})
	f(Options{Size: 12, Seed: 5, Now: testNow, Profile: Real})
}

func checkCallback(t *testing.T, r Record) {
	t.Helper()
	c := decodeCallback(t, r)
	if c.LabName == "" || c.DeviceID == "" || r.Name != fmt.Sprintf("lava_%d.json", c.ID) {
		t.Errorf("%s: lab %q, device %q", r.Name, c.LabName, c.DeviceID)
	}
	var lines []logLine
	if err := yaml.Unmarshal([]byte(c.Log), &lines); err != nil {
		t.Fatalf("%s: log: %v", r.Name, err)
	}
	if want := strings.Count(c.Log, "\n"); len(lines) != want {
		t.Errorf("%s: %d log items on %d lines", r.Name, len(lines), want)
	}
	last := ""
	for i, l := range lines {
		if _, err := time.Parse("2006-01-02T15:04:05.000000", l.Dt); err != nil || l.Dt <= last || l.Lvl == "" ||
			l.Msg.IsZero() {
			t.Fatalf("%s: line %d: dt %q after %q, lvl %q", r.Name, i+1, l.Dt, last, l.Lvl)
		}
		if (l.Lvl == "results") != (l.Msg.Kind == yaml.MappingNode) {
			t.Errorf("%s: line %d: a %s line with a message of kind %d", r.Name, i+1, l.Lvl, l.Msg.Kind)
		}
		last = l.Dt
	}
	var definition struct{ Metadata map[string]any }
	if err := yaml.Unmarshal([]byte(c.Definition), &definition); err != nil || len(definition.Metadata) < 25 {
		t.Errorf("%s: definition with %d metadata: %v", r.Name, len(definition.Metadata), err)
	}
	ids := map[string]bool{}
	for suite, text := range c.Results {
		checkSuite(t, r.Name, suite, text, lines, ids)
	}
	if len(c.Results) == 0 || c.Results["lava"] == "" {
		t.Errorf("%s: no suite lava", r.Name)
	}
}

func checkSuite(t *testing.T, name, suite, text string, lines []logLine, ids map[string]bool) {
	t.Helper()
	var rows []resultRow
	if err := yaml.Unmarshal([]byte(text), &rows); err != nil || len(rows) == 0 {
		t.Fatalf("%s: suite %s: %d rows, %v", name, suite, len(rows), err)
	}
	newest := "9"
	for _, row := range rows {
		if ids[row.ID] || row.ID == "" || row.Suite != suite || row.Logged > newest {
			t.Errorf("%s: %s/%s: id %s, logged %s before %s", name, suite, row.Name, row.ID, row.Logged, newest)
		}
		ids[row.ID], newest = true, row.Logged
		if suite == "lava" {
			continue
		}
		start, err1 := strconv.Atoi(row.LogStartLine)
		end, err2 := strconv.Atoi(row.LogEndLine)
		if err1 != nil || err2 != nil || start < 1 || start > end || end > len(lines) {
			t.Fatalf("%s: %s/%s: lines %q to %q of %d", name, suite, row.Name, row.LogStartLine, row.LogEndLine,
				len(lines))
		}
		want := "TEST_CASE_ID=" + row.Name + " RESULT=" + row.Result
		if !strings.Contains(lines[end-1].Msg.Value, want) {
			t.Errorf("%s: line %d is %q, want %s", name, end, lines[end-1].Msg.Value, want)
		}
	}
}

// One sequence may be ranged over by several goroutines.
func TestRangesDoNotDisturbEachOther(t *testing.T) {
	records := Records(Options{Size: 12, Seed: 9, Now: testNow})
	digest := func() (sum [32]byte) {
		h := sha256.New()
		for r := range records {
			h.Write(r.Payload)
		}
		h.Sum(sum[:0])
		return sum
	}
	var wg sync.WaitGroup
	sums := make([][32]byte, 4)
	for i := range sums {
		wg.Go(func() { sums[i] = digest() })
	}
	wg.Wait()
	for _, sum := range sums {
		if sum != digest() {
			t.Error("two ranges over one sequence differ")
		}
	}
}
