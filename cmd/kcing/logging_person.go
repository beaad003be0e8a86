package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// personLog writes log lines for the person at a terminal: one sentence each,
// the first of those that say the same of different records; close says how
// many there were.
type personLog struct {
	out   io.Writer
	width func() int
	level slog.Level
	with  []slog.Attr

	counts *personCounts // shared with those that With makes
}

type personCounts struct {
	mu    sync.Mutex
	kinds []*personKind // in the order in which they came
	more  int           // lines of further kinds
}

// personKind is what several lines have in common.
type personKind struct {
	level           slog.Level
	message, reason string
	n               int
}

// maxPersonKinds bounds what is remembered and shown: reasons may quote records.
const maxPersonKinds = 20

// Enabled implements [slog.Handler].
func (l *personLog) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }

// WithAttrs implements [slog.Handler].
func (l *personLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *l
	with.with = append(append([]slog.Attr{}, l.with...), attrs...)
	return &with
}

// WithGroup implements [slog.Handler]. Nothing here logs groups.
func (l *personLog) WithGroup(string) slog.Handler { return l }

// Handle implements [slog.Handler].
func (l *personLog) Handle(_ context.Context, r slog.Record) error {
	var where, why string
	var rest []string
	take := func(a slog.Attr) bool {
		text := printable(a.Value.String())
		switch a.Key {
		case "source", "folder":
			where = text
		case "reason", "error", "tags", "because":
			why = text
		default:
			if text != "" {
				rest = append(rest, a.Key+" "+text)
			}
		}
		return true
	}
	for _, a := range l.with {
		take(a)
	}
	r.Attrs(take)
	text := r.Message
	if where != "" {
		if !l.first(r.Level, r.Message, why) {
			return nil
		}
		text = where + ": " + text
	}
	if len(rest) > 0 {
		text += " (" + strings.Join(rest, ", ") + ")"
	}
	if why != "" {
		text += ": " + why
	}
	return l.write(r.Level, text)
}

// first counts a line and tells whether it is the first of its kind.
func (l *personLog) first(level slog.Level, message, reason string) bool {
	c := l.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.kinds {
		if k.level == level && k.message == message && k.reason == reason {
			k.n++
			return false
		}
	}
	if len(c.kinds) == maxPersonKinds {
		c.more++
		return false
	}
	c.kinds = append(c.kinds, &personKind{level, message, reason, 1})
	return true
}

// close tells how many lines of each kind there were where it was more than the
// one that was shown.
func (l *personLog) close() {
	c := l.counts
	c.mu.Lock()
	kinds, more := c.kinds, c.more
	c.kinds, c.more = nil, 0
	c.mu.Unlock()
	for _, k := range kinds {
		if k.n > 1 {
			_ = l.write(k.level, k.total())
		}
	}
	if more > 0 {
		_ = l.write(slog.LevelWarn, "and "+plural(more, "line")+" of other kinds; --log-file FILE has them all")
	}
}

// total is "12 records refused: no log; kcing rejects list".
func (k *personKind) total() string {
	text := fmt.Sprintf("%s (%d times)", k.message, k.n)
	for _, noun := range []string{"record", "document"} {
		if what, ok := strings.CutPrefix(k.message, noun+" "); ok {
			text = plural(k.n, noun) + " " + what
		}
	}
	if k.reason != "" {
		text += ": " + k.reason
	}
	if strings.HasSuffix(k.message, "refused") || strings.HasSuffix(k.message, "rejected") {
		text += "; kcing rejects list"
	}
	return text
}

func (l *personLog) write(level slog.Level, text string) error {
	switch {
	case level >= slog.LevelError:
		text = "error: " + text
	case level >= slog.LevelWarn:
		text = "warning: " + text
	case level < slog.LevelInfo:
		text = "debug: " + text
	}
	_, err := io.WriteString(l.out, folded(text, l.width(), 2)+"\n")
	return err
}
