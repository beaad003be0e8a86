package transform

import (
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// earliest is the first plausible record time: KernelCI began in 2012, LAVA in
// 2010; what lies before comes from a clock that was never set.
var earliest = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)

// ahead is how far a record's time may lie after its receipt before the time
// is taken for that of a wrong clock.
const ahead = 24 * time.Hour

func plausible(t, received time.Time) bool {
	return !t.IsZero() && !t.Before(earliest) && !t.After(received.Add(ahead))
}

// timeLayouts are the forms seen: RFC 3339 and Python's str(datetime), with and
// without a zone (then UTC). Go accepts a fraction after the seconds of each.
var timeLayouts = []string{
	"2006-01-02 15:04:05Z07:00",
	time.RFC3339,
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05 -0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02 15:04:05Z07",
	"2006-01-02 15:04:05 -07:00",
	"2006-01-02 15:04:05 UTC",
	"2006-01-02T15:04Z07:00",
	"2006-01-02 15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
	time.DateOnly,
}

// parseTime reads a time from a field: text, or {"$date": milliseconds} or
// {"$date": text} as MongoDB exports it.
func parseTime(raw []byte) (time.Time, bool) {
	if len(raw) == 0 {
		return time.Time{}, false
	}
	v := gjson.ParseBytes(raw)
	if raw[0] == '{' {
		v = v.Get("$date")
		if long := v.Get("$numberLong"); long.Exists() {
			v = gjson.Result{Type: gjson.Number, Num: long.Float()}
		}
		if v.Type == gjson.Number {
			const limit = 1e15 // year 33658: far from overflow, far from plausible
			if v.Num > -limit && v.Num < limit {
				return time.UnixMilli(int64(v.Num)).UTC(), true
			}
			return time.Time{}, false
		}
	}
	if v.Type != gjson.String {
		return time.Time{}, false
	}
	return parseClock(v.Str)
}

// stampOf is the time in a field in the form of @timestamp; empty when there is none.
func stampOf(raw []byte) string {
	if t, ok := parseTime(raw); ok {
		return t.Format(stamp)
	}
	return ""
}

// parseClock reads a time from text.
func parseClock(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if text == "" || text[0] < '0' || text[0] > '9' {
		return time.Time{}, false
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// The forms of dt and of logged, which have been theirs ever since.
const (
	dtStamp     = "2006-01-02T15:04:05.000"
	loggedStamp = "2006-01-02 15:04:05.000"
)

// wholeMinute is the length of a time's beginning, up to its seconds.
const wholeMinute = len("2006-01-02T15:04:")

// toMillis is a time in the form of layout, dtStamp or loggedStamp: in UTC, with
// milliseconds. Text that is no time stays as it is.
func toMillis(text, layout string) string {
	if isUTC(text, layout) {
		return text[:len(layout)]
	}
	if t, ok := parseClock(text); ok {
		return t.Format(layout)
	}
	return text
}

// isUTC reports whether text begins like layout and goes on as Python writes a UTC
// time, so that its beginning is the time in that form.
func isUTC(text, layout string) bool {
	if len(text) <= len(layout) || !isSecondsUTC([]byte(text[wholeMinute:])) {
		return false
	}
	_, err := time.Parse(layout[:wholeMinute], text[:wholeMinute])
	return err == nil
}

// isSecondsUTC reports whether s is what Python writes behind the minute of a UTC time:
// seconds and microseconds, with or without +00:00.
func isSecondsUTC(s []byte) bool {
	const form, zone = len("05.000000"), "+00:00"
	if len(s) < form || len(s) > form && string(s[form:]) != zone || s[0] > '5' || s[2] != '.' {
		return false
	}
	for i, c := range s[:form] {
		if c-'0' > 9 && i != 2 {
			return false
		}
	}
	return true
}

// stamp is the form of @timestamp: milliseconds, UTC.
const stamp = "2006-01-02T15:04:05.000Z"
