package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"time"
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

func (n *notices) write(level slog.Level, text string, args ...any) {
	if n.each || n.allowed() {
		n.log.Log(context.Background(), level, text, args...)
	}
}

func (n *notices) allowed() bool {
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
