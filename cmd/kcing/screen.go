package main

import (
	"io"
	"os"
	"strings"
	"sync"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// screen is stderr. While a status line is on it, other lines take that off
// first, so that they do not end up behind it.
type screen struct {
	out   io.Writer
	mu    sync.Mutex
	shown bool // a status line is on it
	still bool // no status line is shown any more
}

// takeOff removes the status line. The cursor stands at the line's beginning;
// the terminal may have echoed a ^C since.
const takeOff = "\r\x1b[J"

// Write implements [io.Writer].
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	return s.out.Write(p)
}

// show replaces the status line. The cursor is left at its beginning: when the
// terminal gets narrower and breaks the line, all of it is still behind the
// cursor and goes with the next one.
func (s *screen) show(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.still {
		return
	}
	_, _ = io.WriteString(s.out, "\r"+line+"\x1b[J\r")
	s.shown = true
}

// hide takes the status line off.
func (s *screen) hide() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// killable comes before a signal may kill the process: it takes the status line
// off for good, so that nothing of it stays behind, and says what goes on.
func (s *screen) killable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.still = true
	if s.shown {
		s.clear()
		_, _ = io.WriteString(s.out, "stopping: what is under way is finished first; Ctrl-C again ends at once\n")
	}
}

func (s *screen) clear() {
	if s.shown {
		_, _ = io.WriteString(s.out, takeOff)
		s.shown = false
	}
}

func (s *screen) isTerminal() bool { return isTerminal(s.out) }

// moves tells whether a line on the screen can be replaced by another one.
func (s *screen) moves() bool { return s.isTerminal() && os.Getenv("TERM") != "dumb" }

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// widthOf is the number of columns of a terminal now, 0 for what is none.
func widthOf(stream any) int {
	f, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// columns is how many columns a text takes on a terminal.
func columns(text string) int { return uniseg.StringWidth(text) }

// folded breaks a text between words so that it fits the width; what follows
// its first line is indented. A word that is too long, such as a path, stays
// whole. A width of 0 is no limit.
func folded(text string, width, indent int) string {
	if width <= 0 || columns(text) <= width {
		return text
	}
	words := strings.TrimLeft(text, " ")
	lead := text[:len(text)-len(words)]
	var b strings.Builder
	b.WriteString(lead)
	at, first := len(lead), true // columns of the line so far
	for word := range strings.SplitSeq(words, " ") {
		n := columns(word)
		switch {
		case first:
			first = false
		case at+1+n > width && at > indent && n > 0:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}
