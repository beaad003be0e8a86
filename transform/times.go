package transform

import (
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// earliest is the first plausible record time: KernelCI began in 2012, LAVA in
// 2010; what lies before comes from a clock that was never set.
var earliest = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)

// ahead is how far a record's time may lie after its receipt before the clock
// that made it is not believed.
const ahead = 24 * time.Hour

func plausible(t, received time.Time) bool {
	return !t.IsZero() && !t.Before(earliest) && !t.After(received.Add(ahead))
}

// firstTime is the first of the named fields that holds a time.
func (r *Record) firstTime(names ...string) time.Time {
	for _, n := range names {
		if t, ok := parseTime(r.value(n)); ok {
			return t
		}
	}
	return time.Time{}
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
	"2006-01-02 15:04:05 UTC",
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
	text := strings.TrimSpace(v.Str)
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// stamp is the form of @timestamp: milliseconds, UTC.
const stamp = "2006-01-02T15:04:05.000Z"
