package transform

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	f := func(raw, want string) {
		t.Helper()
		got, ok := parseTime([]byte(raw))
		switch {
		case want == "" && ok:
			t.Errorf("%s: got %v, want none", raw, got)
		case want != "" && (!ok || got.Format(time.RFC3339Nano) != want):
			t.Errorf("%s: got %v %v, want %s", raw, got, ok, want)
		case ok && got.Location() != time.UTC:
			t.Errorf("%s: not UTC", raw)
		}
	}
	const want = "2026-11-20T08:15:30Z"
	f(`"2026-11-20T08:15:30Z"`, want)
	f(`"2026-11-20T09:15:30+01:00"`, want)
	f(`"2026-11-20T08:15:30"`, want)
	f(`"2026-11-20 08:15:30"`, want)
	f(`"2026-11-20 08:15:30+00:00"`, want)
	f(`"2026-11-20 07:15:30-01:00"`, want)
	f(`"2026-11-20 09:15:30+0100"`, want)
	f(`"2026-11-20T09:15:30+0100"`, want)
	f(`"2026-11-20 08:15:30Z"`, want)
	f(`"2026-11-20 08:15:30 UTC"`, want)
	f(`"2026-11-20 09:15:30 +0100"`, want)
	f(`" 2026-11-20 08:15:30 "`, want)
	f(`"2026-11-20 08:15:30.466005+00:00"`, "2026-11-20T08:15:30.466005Z")
	f(`"2026-11-20T08:15:30.250Z"`, "2026-11-20T08:15:30.25Z")
	f(`"2026-11-20T08:15:30.1"`, "2026-11-20T08:15:30.1Z")
	f(`"2026-11-20"`, "2026-11-20T00:00:00Z")
	f(`{"$date":1795162530250}`, "2026-11-20T08:15:30.25Z")
	f(`{"$date":1795162530250.0}`, "2026-11-20T08:15:30.25Z")
	f(`{"$date":"2026-11-20T08:15:30.25Z"}`, "2026-11-20T08:15:30.25Z")
	f(`{"$date":{"$numberLong":"1795162530250"}}`, "2026-11-20T08:15:30.25Z")
	f(`{"$date":-1000}`, "1969-12-31T23:59:59Z")

	for _, raw := range []string{``, `null`, `""`, `"None"`, `"yesterday"`, `"2026-13-01"`, `"2026-11-20 25:00:00"`,
		`1795162530250`, `true`, `[]`, `{}`,
		`{"$date":null}`, `{"$date":1e300}`, `{"$date":{}}`, `"2026-11-20 08:15:30 CET"`} {
		f(raw, "")
	}
}

func TestRecordTime(t *testing.T) {
	f := func(kind Kind, payload []byte, ingest bool, want string) {
		t.Helper()
		r, d, err := made(payload, Options{Kind: kind, IngestTime: ingest})
		if err != nil {
			t.Fatal(err)
		}
		own := want != ""
		if want == "" {
			want = testReceived.Format(time.RFC3339)
		}
		if got := d.Time.Format(time.RFC3339); got != want || r.HasTime(testReceived) != own {
			t.Errorf("%s: %s, of its own: %v; want %s", payload, got, r.HasTime(testReceived), want)
		}
		for doc := range d.All() {
			if got := string(doc.Source[:len(`{"@timestamp":"2026-11-23T12:00:00.000Z"`)]); got != `{"@timestamp":"`+d.Time.Format(stamp)+`"` {
				t.Errorf("%s: a document's time is %s", payload, got)
			}
		}
	}
	build := func(created string) []byte { return []byte(`{"id":"b","created_on":` + created + `}`) }
	f(KindBuild, build(`"2026-11-20T08:15:30Z"`), false, "2026-11-20T08:15:30Z")
	f(KindBoot, build(`"2026-11-20T08:15:30Z"`), false, "2026-11-20T08:15:30Z")
	f(KindBuild, build(`"2026-11-20T08:15:30Z"`), true, "")
	f(KindBuild, build(`null`), false, "")
	f(KindBuild, build(`"soon"`), false, "")
	f(KindBuild, build(`"2010-01-01T00:00:00Z"`), false, "2010-01-01T00:00:00Z")
	f(KindBuild, build(`"2009-12-31T23:59:59Z"`), false, "")
	f(KindBuild, build(`"2026-11-24T12:00:00Z"`), false, "2026-11-24T12:00:00Z")
	f(KindBuild, build(`"2026-11-24T12:00:01Z"`), false, "")
	f(KindBuild, []byte(`{"id":"b"}`), false, "")

	const end, start, submit = `"2026-11-20 07:00:03+00:00"`, `"2026-11-20 07:00:02+00:00"`,
		`"2026-11-20 07:00:01+00:00"`
	f(KindLAVA, callbackJSON("end_time", end, "start_time", start, "submit_time", submit), false,
		"2026-11-20T07:00:03Z")
	f(KindLAVA, callbackJSON("end_time", `null`, "start_time", start, "submit_time", submit), false,
		"2026-11-20T07:00:02Z")
	f(KindLAVA, callbackJSON("end_time", `"None"`, "start_time", `""`, "submit_time", submit), false,
		"2026-11-20T07:00:01Z")
	f(KindLAVA, callbackJSON("created_on", end), false, "")
	f(KindLAVA, callbackJSON("end_time", end), true, "")
	// The first that is there decides, believable or not.
	f(KindLAVA, callbackJSON("end_time", `"1970-01-01 00:00:03+00:00"`, "start_time", start), false, "")
}

// Only the receipt decides what lies ahead, so a record of a wrong clock stays
// where it is on every retry.
func TestHasTimeIsStable(t *testing.T) {
	r, _, err := made([]byte(`{"id":"b","created_on":"2026-11-25T00:00:00Z"}`), Options{Kind: KindBuild})
	if err != nil {
		t.Fatal(err)
	}
	if r.HasTime(testReceived) || !r.HasTime(testReceived.AddDate(0, 0, 2)) {
		t.Error("a day ahead is judged by something else than the receipt")
	}
}

// TestToMillis: times are read, never cut, whatever their width and zone.
func TestToMillis(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-20T10:00:06.123456":          "2026-11-20T10:00:06.123",
		"2026-11-20T10:00:06.123999+00:00":    "2026-11-20T10:00:06.123",
		"2026-11-20T15:30:07.123456+05:30":    "2026-11-20T10:00:07.123",
		"2026-11-20T10:00:07":                 "2026-11-20T10:00:07.000",
		"2026-11-20T10:00:07Z":                "2026-11-20T10:00:07.000",
		"2026-11-20T10:00:07.5":               "2026-11-20T10:00:07.500",
		"2026-11-20T10:00:07.1234567":         "2026-11-20T10:00:07.123",
		"2026-11-20 10:00:07.123456789+00:00": "2026-11-20T10:00:07.123",
		"2026-11-20 00:15:00-03:30":           "2026-11-20T03:45:00.000",
		"2026-12-31T23:59:59.999999-00:30":    "2027-01-01T00:29:59.999",
		"2024-02-29T00:00:00.000001":          "2024-02-29T00:00:00.000",
		"2026-02-29T00:00:00.000001":          "2026-02-29T00:00:00.000001", // no such day
		"2026-11-20T10:00:61.123456":          "2026-11-20T10:00:61.123456",
		"None":                                "None",
		"2026-11-20T10:00:06.12345x":          "2026-11-20T10:00:06.12345x",
	} {
		if got := toMillis(text, dtStamp); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		logged := want
		if logged != text {
			logged = logged[:10] + " " + logged[11:]
		}
		if got := toMillis(text, loggedStamp); got != logged {
			t.Errorf("%s logged: %s, want %s", text, got, logged)
		}
	}
}

// Each time of all log lines is the same read fast and slowly.
func FuzzToMillis(f *testing.F) {
	for _, s := range []string{"2026-11-20T10:00:06.123456", "2026-11-20 10:00:06.123+00:00",
		"2026-02-29T23:59:59.000000001Z", "2026-11-20T15:30:07+05:30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := toMillis(s, dtStamp)
		if parsed, ok := parseClock(s); ok && got != parsed.Format(dtStamp) || !ok && got != s {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
