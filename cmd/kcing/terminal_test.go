//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// terminal is a person's terminal with kcing on it.
type terminal struct {
	t       *testing.T
	tty     *os.File // the person's end
	cmd     *exec.Cmd
	ended   chan struct{}
	changed chan struct{} // something was written

	mu     sync.Mutex
	screen *vt.Emulator
	lines  []string // each status line that was shown, in order
}

// rows are enough for each report of these tests: nothing scrolls away.
const rows = 100

// onTerminal starts kcing on a terminal of so many columns. prepare may send a
// stream elsewhere or set variables.
func (w *workplace) onTerminal(columns int, prepare func(*exec.Cmd), args ...string) *terminal {
	w.t.Helper()
	cmd := exec.Command("kcing", args...)
	cmd.Dir = w.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "TERM=xterm", "GORACE=" + raceOptions,
		"ES_HOST=" + w.host, "ES_INDEX_PREFIX=" + w.prefix}, w.env...)
	if prepare != nil {
		prepare(cmd)
	}
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: rows, Cols: uint16(columns)})
	if err != nil {
		w.t.Fatal(err)
	}
	term := &terminal{t: w.t, tty: tty, cmd: cmd, screen: vt.NewEmulator(columns, rows),
		ended: make(chan struct{}), changed: make(chan struct{}, 1)}
	go term.watch()
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-term.ended
		_ = tty.Close()
	})
	return term
}

// statusLine is how one is drawn.
var statusLine = regexp.MustCompile(`\r([^\r\n\x1b]+)\x1b\[J\r`)

// watch shows on the screen what kcing writes, until it has ended.
func (term *terminal) watch() {
	defer close(term.ended)
	var all []byte
	seen := 0 // of all, for status lines
	buf := make([]byte, 4096)
	for {
		n, err := term.tty.Read(buf)
		term.mu.Lock()
		_, _ = term.screen.Write(buf[:n])
		all = append(all, buf[:n]...)
		for m := statusLine.FindSubmatchIndex(all[seen:]); m != nil; m = statusLine.FindSubmatchIndex(all[seen:]) {
			term.lines = append(term.lines, string(all[seen+m[2]:seen+m[3]]))
			seen += m[1]
		}
		term.mu.Unlock()
		select {
		case term.changed <- struct{}{}:
		default:
		}
		if err != nil { // Linux ends it with EIO, others with EOF
			_ = term.cmd.Wait()
			return
		}
	}
}

// shown is the screen without the blanks at the ends of lines and below.
func (term *terminal) shown() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	lines := strings.Split(term.screen.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \r")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func (term *terminal) statusLines() []string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return slices.Clone(term.lines)
}

// until waits for something to be on the screen, or to have been.
func (term *terminal) until(what string, yes func() bool) {
	term.t.Helper()
	deadline := time.After(patience)
	for !yes() {
		select {
		case <-term.changed:
		case <-term.ended:
			if !yes() {
				term.t.Fatalf("%s: kcing ended before; the screen:\n%s", what, term.shown())
			}
		case <-deadline:
			term.t.Fatalf("%s: not within %v; the screen:\n%s", what, patience, term.shown())
		}
	}
}

// ends waits for the end, wants the exit code (-1: killed by a signal) and
// returns the screen.
func (term *terminal) ends(code int) string {
	term.t.Helper()
	select {
	case <-term.ended:
	case <-time.After(patience):
		term.t.Fatalf("it has not ended; the screen:\n%s", term.shown())
	}
	if got := term.cmd.ProcessState.ExitCode(); got != code {
		term.t.Fatalf("exit code %d, want %d; the screen:\n%s", got, code, term.shown())
	}
	return term.shown()
}

func (term *terminal) types(text string) {
	term.t.Helper()
	if _, err := io.WriteString(term.tty, text); err != nil {
		term.t.Fatal(err)
	}
}

func (term *terminal) resize(columns int) {
	term.t.Helper()
	if err := pty.Setsize(term.tty, &pty.Winsize{Rows: rows, Cols: uint16(columns)}); err != nil {
		term.t.Fatal(err)
	}
	term.mu.Lock()
	defer term.mu.Unlock()
	term.screen.Resize(columns, rows)
}

// wants reports what is not on a screen, and what must never be on one.
func wants(t *testing.T, screen string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(`(?m)` + p).MatchString(screen) {
			t.Errorf("the screen does not show %q:\n%s", p, screen)
		}
	}
	if m := regexp.MustCompile(`\d%|goroutine|level=|\[=|\\"|!BADKEY`).FindString(screen); m != "" {
		t.Errorf("%q is on the screen at the end:\n%s", m, screen)
	}
}

// TestFeedOnTerminal: a feed shows how far it is on one line and ends with its
// report and nothing of the bar, whatever the width.
func TestFeedOnTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{100, 80, 40} {
		t.Run(strings.Repeat("=", width/10), func(t *testing.T) {
			t.Parallel()
			w := newWorkplace(t)
			w.run(exitOK, "samples", "--synthetic", "--sample-size", "80")
			term := w.onTerminal(width, nil, "feed", "samples", "--es-bulk-actions", "500", "--es-bulk-requests", "1")
			wants(t, term.ends(exitOK), `^80 records, `, `^  finished +80$`, `^documents: [\d,]+ stored, 0 already`)
			var percents []string
			for _, line := range term.statusLines() {
				if columns(line) >= width {
					t.Errorf("a status line of %d columns on a terminal of %d: %q", columns(line), width, line)
				}
				percents = append(percents, regexp.MustCompile(`\d+%`).FindString(line))
			}
			if !slices.Contains(percents, "0%") || !slices.Contains(percents, "100%") ||
				len(slices.Compact(percents)) < 3 {
				t.Errorf("the bar went through %q", percents)
			}
			again := w.onTerminal(width, nil, "feed", "samples").ends(exitOK)
			wants(t, again, `^nothing to do: all 80 known$`)
		})
	}
}

// stalled is a workplace with records whose delivery does not come to an end:
// each request of one document.
func stalled(t *testing.T) *workplace {
	w := newWorkplace(t)
	w.run(exitOK, "samples", "--synthetic", "--sample-size", "2000")
	w.run(exitOK, "setup-es")
	return w
}

var slowly = []string{"feed", "samples", "--es-bulk-actions", "1", "--es-bulk-requests", "1"}

// TestInterruptOnTerminal: Ctrl-C ends a feed in good order, a second one at
// once; neither leaves anything of the bar.
func TestInterruptOnTerminal(t *testing.T) {
	t.Parallel()
	w := stalled(t)
	started := func(term *terminal) bool { return len(term.statusLines()) > 1 }
	term := w.onTerminal(80, nil, slowly...)
	term.until("the bar", func() bool { return started(term) })
	term.types("\x03")
	wants(t, term.ends(exitInterrupted), `^kcing: interrupted: [\d,]+ records pending in samples;`)

	term = w.onTerminal(80, nil, slowly...)
	term.until("the bar", func() bool { return started(term) })
	term.types("\x03")
	term.until("the word on Ctrl-C", func() bool { return strings.Contains(term.shown(), "Ctrl-C again") })
	term.types("\x03")
	select {
	case <-term.ended:
	case <-time.After(patience):
		t.Fatal("it has not ended")
	}
	if code := term.cmd.ProcessState.ExitCode(); code != -1 && code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	wants(t, term.shown(), `^stopping: `)
}

// TestResizedTerminal: a terminal that gets narrower while the bar is shown.
func TestResizedTerminal(t *testing.T) {
	t.Parallel()
	w := stalled(t)
	term := w.onTerminal(100, nil, slowly...)
	term.until("a wide bar", func() bool {
		return slices.ContainsFunc(term.statusLines(), func(l string) bool { return columns(l) > 40 })
	})
	term.resize(40)
	term.until("a narrow bar", func() bool { l := term.statusLines(); return columns(l[len(l)-1]) < 40 })
	term.types("\x03")
	wants(t, term.ends(exitInterrupted), `^kcing: interrupted: `)
}

// TestRedirectedTerminal: one of the streams goes elsewhere, or the terminal can
// do nothing.
func TestRedirectedTerminal(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	w.run(exitOK, "samples", "--synthetic", "--sample-size", "40")
	feed := []string{"feed", "--force", "samples"}
	var out output
	term := w.onTerminal(80, func(c *exec.Cmd) { c.Stdout = &out }, feed...)
	if screen := term.ends(exitOK); strings.Contains(screen, "%") || len(term.statusLines()) == 0 {
		t.Errorf("with stdout elsewhere the bar was %q and the screen at the end is %q", term.statusLines(), screen)
	}
	wants(t, out.String(), `^40 records, `)
	var log output
	term = w.onTerminal(80, func(c *exec.Cmd) { c.Stderr = &log }, feed...)
	wants(t, term.ends(exitOK), `^40 records, `)
	if lines := term.statusLines(); len(lines) > 0 || strings.Contains(log.String(), "\x1b") ||
		strings.Contains(log.String(), "%") {
		t.Errorf("with stderr elsewhere there is a bar: %q, %q", lines, log.String())
	}
	term = w.onTerminal(80, func(c *exec.Cmd) { c.Env = append(c.Env, "TERM=dumb", "NO_COLOR=1") }, feed...)
	wants(t, term.ends(exitOK), `^40 records, `)
	if lines := term.statusLines(); len(lines) > 0 {
		t.Errorf("a bar on a dumb terminal: %q", lines)
	}
}

// TestStatusLine: what fits is shown, what matters most first.
func TestStatusLine(t *testing.T) {
	t.Parallel()
	r := reading{of: 2500, read: 2000, settled: 1000, documents: 200_000, bytes: 64e6, took: 10 * time.Second}
	for width, want := range map[int]string{
		10:  "60%",
		39:  "60%  1,000/2,500 records  0:06 left",
		60:  "60%  1,000/2,500 records  0:06 left  200,000 documents",
		99:  "[==================            ] 60%  1,000/2,500 records  0:06 left  200,000 documents  6.4 MB/s",
		200: "[==================            ] 60%  1,000/2,500 records  0:06 left  200,000 documents  6.4 MB/s",
	} {
		if got := r.line(width); got != want {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
	if got := (reading{of: -1, settled: 7, took: time.Hour + 62*time.Second}).line(30); got != "7 records  1:01:02" {
		t.Errorf("of unknown length: %q", got)
	}
}

// TestWarningsOnTerminal: warnings are sentences, and those that say the same
// are counted; a log file has each of them. What Elasticsearch does not see is
// listed to the width.
func TestWarningsOnTerminal(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	if err := os.Mkdir(w.dir+"/in", 0o750); err != nil {
		t.Fatal(err)
	}
	const refused = 230 // more than a log for programs would have
	for i := range refused {
		if err := os.WriteFile(fmt.Sprintf("%s/in/%03d.json", w.dir, i), []byte(`["no record"]`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, width := range []int{100, 40} {
		screen := w.onTerminal(width, nil, "feed", "in/").ends(exitRejects)
		wants(t, screen, `^warning: in/\d+\.json: record refused`, `^warning: 230 records refused: `,
			`kcing rejects list`, `^kcing: 230 records refused`)
		if n := strings.Count(screen, "warning: in/"); n != 1 {
			t.Errorf("the first is shown %d times:\n%s", n, screen)
		}
		wants(t, w.onTerminal(width, nil, "rejects", "list", "--limit", "3").ends(exitOK), `^ID +RECEIVED`,
			`in/\d+\.json`)
		wants(t, w.onTerminal(width, nil, "status").ends(exitOK), `^rejects +230 \(`, `^ES_HOST +http`)
	}
	w.onTerminal(80, nil, "feed", "-l", "log", "in").ends(exitRejects)
	log, err := os.ReadFile(w.dir + "/log")
	if n := strings.Count(string(log), "record refused"); err != nil || n != refused {
		t.Errorf("the log file has %d refused records, want %d: %v", n, refused, err)
	}
	wants(t, w.onTerminal(40, nil, "rejects", "retry", "--all").ends(exitRejects), `^230 rejects retried: 0 got in`)
}

// TestNothingToDoOnTerminal: who feeds again is told that all is known, and other
// commands likewise.
func TestNothingToDoOnTerminal(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	wants(t, w.onTerminal(40, nil, "samples", "--synthetic", "--sample-size", "40").ends(exitOK),
		`^40 records in samples: `)
	wants(t, w.onTerminal(40, nil, "feed", "samples").ends(exitOK), `^40 records, `, `^index template installed`)
	if screen := w.onTerminal(40, nil, "feed", "samples").ends(exitOK); screen != "nothing to do: all 40 known" {
		t.Errorf("a second feed ends with\n%s", screen)
	}
	wants(t, w.onTerminal(40, nil, "drp", "--drp-days", "4000").ends(exitOK), `^nothing to do: no index`)
	wants(t, w.onTerminal(40, nil, "rejects", "retry", "--all").ends(exitOK), `^nothing to do: no such rejects$`)
}

// TestTypedRecords: what reads from the terminal says so, and Ctrl-D ends it.
func TestTypedRecords(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	term := w.onTerminal(80, nil, "feed", "-")
	term.until("the word on Ctrl-D", func() bool { return strings.Contains(term.shown(), "end with Ctrl-D") })
	term.types(oneBoot + "\x04")
	wants(t, term.ends(exitOK), `^1 record, `, `^  finished +1$`)

	term = w.onTerminal(80, nil, "state", "import", "-")
	term.until("the word on Ctrl-D", func() bool { return strings.Contains(term.shown(), "end with Ctrl-D") })
	term.types("type,oid,created_on\nboot,b9,2026-01-02 03:04:05\n\x04")
	wants(t, term.ends(exitOK), `^imported 1 record; `)

	term = w.onTerminal(80, nil, "setup-kibana", "--dry-run", "-")
	term.until("the word on Ctrl-D", func() bool { return strings.Contains(term.shown(), "end with Ctrl-D") })
	term.types("no object\n\x04")
	wants(t, term.ends(exitFailed), `^kcing: standard input cannot be imported: `)
}
