package pipeline

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/kcing/kcing/bulk"
)

// notices writes a line for each refused or damaged record, but not for ten
// thousand of them in a row: maxNotices in each noticeWindow, unless all are
// asked for.
type notices struct {
	log  *slog.Logger
	each bool // no limit

	mu    sync.Mutex
	began time.Time // of the present window
	n     int       // in it
}

const (
	maxNotices   = 200
	noticeWindow = 10 * time.Minute
)

func (n *notices) allowed() bool {
	if n.each {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if now := time.Now(); now.Sub(n.began) >= noticeWindow {
		n.began, n.n = now, 0
	}
	n.n++
	if n.n == maxNotices+1 {
		n.log.Warn("further refused and damaged records are only counted for a while; see: kcing rejects list")
	}
	return n.n <= maxNotices
}

func (n *notices) refused(name, kind, reason string) {
	if n.allowed() {
		n.log.Warn("record refused", "source", name, "kind", kind, "reason", reason)
	}
}

func (n *notices) leftOut(name string, why error) {
	if n.allowed() {
		n.log.Warn("record left out", "source", name, "reason", why)
	}
}

func (n *notices) superseded(name, key string) {
	if n.allowed() {
		n.log.Info("record left out: one that knows more of this job is stored", "source", name, "key", key)
	}
}

func (n *notices) damaged(name string, tags []string) {
	if n.allowed() {
		n.log.Warn("record damaged in part", "source", name, "tags", strings.Join(tags, " "))
	}
}

func (n *notices) rejected(name string, res bulk.Result) {
	if n.allowed() {
		n.log.Warn("document rejected", "source", name, "index", res.Doc.Index, "id", res.Doc.ID, "type", res.Type,
			"reason",
			res.Reason)
	}
}
