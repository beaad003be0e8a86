package pipeline

import (
	"time"

	"github.com/kcing/kcing/mappings"
)

// indexNames remembers index names: there are few. Not for concurrent use.
type indexNames struct {
	prefix string
	names  map[indexDay]string
}

type indexDay struct {
	kind string
	day  int64 // since 1970, UTC
}

const maxIndexNames = 1000

func newIndexNames(prefix string) indexNames {
	return indexNames{prefix: prefix, names: map[indexDay]string{}}
}

func (x *indexNames) name(kind string, t time.Time) string {
	const day = 24 * 60 * 60
	since := t.Unix()
	if since < 0 {
		since -= day - 1 // a division rounds towards zero
	}
	k := indexDay{kind, since / day}
	name, ok := x.names[k]
	if !ok {
		if len(x.names) >= maxIndexNames {
			clear(x.names) // a run of weeks sees many days
		}
		name = mappings.IndexName(x.prefix, kind, t)
		x.names[k] = name
	}
	return name
}
