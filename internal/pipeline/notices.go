package pipeline

import (
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/kcing/kcing/bulk"
)

// notices writes a line for each refused or damaged record, but not for ten
// thousand of them.
type notices struct {
	log *slog.Logger
	n   atomic.Int64
}

const mostNotices = 200

func (n *notices) allowed() bool {
	i := n.n.Add(1)
	if i == mostNotices+1 {
		n.log.Warn("further refused and damaged records are only counted; see: kcing rejects list")
	}
	return i <= mostNotices
}

func (n *notices) refused(name, kind, reason string) {
	if n.allowed() {
		n.log.Warn("record refused", "source", name, "kind", kind, "reason", reason)
	}
}

func (n *notices) damaged(name string, tags []string) {
	if n.allowed() {
		n.log.Warn("record damaged in part", "source", name, "tags", strings.Join(tags, " "))
	}
}

func (n *notices) rejected(name string, res bulk.Result) {
	if n.allowed() {
		n.log.Warn("document rejected", "source", name, "index", res.Doc.Index, "id", res.Doc.ID, "type", res.Type, "reason", res.Reason)
	}
}
