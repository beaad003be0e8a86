package mappings

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kcing/kcing/internal/kinds"
)

// Kinds of documents; each has its own daily indices and its own template.
const (
	Build    = kinds.Build
	Boot     = kinds.Boot
	Test     = kinds.Test
	Log      = kinds.Log
	Incident = kinds.Incident // what failed in a job
)

// Kinds lists every kind in the order in which they are shown.
var Kinds = kinds.Documents

const (
	dayLayout = "2006.01.02"
	// Elasticsearch allows 255 bytes a name. A short prefix also leaves room
	// for a useful number of names in one delete request.
	maxPrefix = 128
)

// takenPrefixes are patterns of templates that Elasticsearch itself installs:
// under them it makes data streams, where an index of ours cannot be.
// From https://www.elastic.co/guide/en/elasticsearch/reference/8.19/index-templates.html
var takenPrefixes = []string{"logs-", "metrics-", "synthetics-", "traces-", "profiling-", "security_solution-"}

// ValidatePrefix reports whether prefix may stand before our index and template
// names; empty is fine. It refuses what Elasticsearch refuses in a name, what
// acts as a pattern or a list, and what would put our indices under the
// patterns of another prefix or of Elasticsearch's own templates: the indices
// of prefix "my-test-" are all matched by `my-test-*`, which are the test
// indices of prefix "my-".
//
// A prefix that does not end in a separator is accepted though "la" and
// "latest-" can collide; Elasticsearch then refuses the second one's templates.
func ValidatePrefix(prefix string) error {
	refuse := func(why string) error {
		return fmt.Errorf("index prefix %q: %s (use lower-case letters, digits and - _ . such as \"staging-\")",
			prefix, why)
	}
	if prefix == "" {
		return nil
	}
	if len(prefix) > maxPrefix {
		return fmt.Errorf("index prefix is %d bytes long, at most %d are allowed", len(prefix), maxPrefix)
	}
	if !isAlnum(prefix[0]) {
		return refuse("must start with a lower-case letter or a digit")
	}
	for i := 0; i < len(prefix); i++ {
		if c := prefix[i]; !isAlnum(c) && c != '-' && c != '_' && c != '.' {
			return refuse(fmt.Sprintf("%q is not allowed", prefix[i:i+1]))
		}
	}
	for _, taken := range takenPrefixes {
		if strings.HasPrefix(prefix, taken) {
			return refuse("Elasticsearch keeps names that start with " + taken + " for its own data streams")
		}
	}
	for _, kind := range Kinds {
		for i := range prefix {
			if strings.HasPrefix(prefix[i:], kind+"-") && (i == 0 || !isAlnum(prefix[i-1])) {
				return refuse(fmt.Sprintf("its indices would fall under the pattern %s*, the %s indices of prefix %q",
					prefix[:i+len(kind)+1], kind, prefix[:i]))
			}
		}
	}
	return nil
}

func isAlnum(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// IndexName is {prefix}{kind}-{YYYY.MM.DD} of the UTC day of t.
func IndexName(prefix, kind string, t time.Time) string {
	return prefix + kind + "-" + t.UTC().Format(dayLayout)
}

// ParseIndexName is the inverse of IndexName. ok is false for every name that
// IndexName cannot have made with this prefix: other kinds, suffixes, days that
// no calendar has. day is midnight UTC.
func ParseIndexName(prefix, name string) (kind string, day time.Time, ok bool) {
	rest, found := strings.CutPrefix(name, prefix)
	if !found {
		return "", time.Time{}, false
	}
	kind, date, found := strings.Cut(rest, "-")
	if !found || !slices.Contains(Kinds, kind) {
		return "", time.Time{}, false
	}
	day, err := time.Parse(dayLayout, date)
	// What is read here may be deleted: do not rely on how strict Parse is.
	if err != nil || day.Format(dayLayout) != date {
		return "", time.Time{}, false
	}
	return kind, day, true
}

// TemplateName is the name of the index template of a kind, e.g. "kcing-build".
func TemplateName(prefix, kind string) string { return prefix + "kcing-" + kind }

func indexPattern(prefix, kind string) string { return prefix + kind + "-*" }

func indexPatterns(prefix string) []string {
	patterns := make([]string, len(Kinds))
	for i, kind := range Kinds {
		patterns[i] = indexPattern(prefix, kind)
	}
	return patterns
}
