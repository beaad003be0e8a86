//go:build unix

package state_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

// children are what the test binary does as another process.
var children = map[string]func(args []string) error{
	"commit": childCommit,
	"hold":   childHold,
	"fill":   childFill,
}

// childCommit PATH PREFIX N commits N records, one at a time, each with a
// reject, and prints the number of each after Commit returned.
func childCommit(args []string) error {
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	s, err := state.Open(args[0], state.Options{})
	if err != nil {
		return err
	}
	for i := range n {
		id := args[1] + strconv.Itoa(i)
		err := s.Commit(ctx, state.Batch{
			Finished: []state.Finished{{Key: lava(id), Time: day, Documents: 2, Rejected: 1},
				{Key: state.Key{Kind: "boot", ID: id}, Time: day}},
			Rejects: []state.Reject{{ID: id, Kind: "lava", Key: id, Body: make([]byte, i%9000)}},
		})
		if err != nil {
			return err
		}
		fmt.Println(i)
	}
	return s.Close()
}

// childHold PATH keeps the file, with a lease without end, until its input ends.
func childHold(args []string) error {
	s, err := state.Open(args[0], state.Options{Lease: time.Hour})
	if err != nil {
		return err
	}
	// One use as long as we are told to: Rejects' consumer would not hold it.
	release, err := state.HoldForTest(s)
	if err != nil {
		return err
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	release()
	return s.Close()
}

// child is a process of the test. It is killed at the end.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	err   strings.Builder
}

func start(t *testing.T, name string, args ...string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Args[0], args...)}
	c.cmd.Env = append(os.Environ(), "KCING_STATE_CHILD="+name)
	c.cmd.Stderr = &c.err
	c.in = must(c.cmd.StdinPipe())(t)
	c.lines = bufio.NewScanner(must(c.cmd.StdoutPipe())(t))
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.in.Close()
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	})
	return c
}

// next returns the next line of output; false at its end.
func (c *child) next() (string, bool) {
	c.t.Helper()
	ok := c.lines.Scan()
	return c.lines.Text(), ok
}

// finish reads the rest of the output and returns it with the exit.
func (c *child) finish() (rest []string, err error) {
	for c.lines.Scan() {
		rest = append(rest, c.lines.Text())
	}
	if err := c.cmd.Wait(); err != nil {
		return rest, fmt.Errorf("%w: %s", err, c.err.String())
	}
	return rest, nil
}

// A process that commits without pause leaves the file to others in time.
func TestBusyProcessesLeaveRoomForOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	busy := []*child{start(t, "commit", path, "a", "1000000"), start(t, "commit", path, "b", "1000000")}
	for _, c := range busy {
		if _, ok := c.next(); !ok {
			t.Fatal(c.finish())
		}
		go func() { // the pipe must not fill
			for c.lines.Scan() {
			}
		}()
	}
	var worst time.Duration
	for range 8 {
		began := time.Now()
		s := must(state.Open(path, state.Options{}))(t)
		if got := found(t, s, lava("a0"), lava("b0"), lava("c0")); !got[0] || !got[1] || got[2] {
			t.Errorf("found %v", got)
		}
		if err := s.SetCursor(ctx, "c", "x"); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		worst = max(worst, time.Since(began))
	}
	t.Logf("worst answer after %s", worst)
	if worst > 2*time.Second {
		t.Errorf("answered only after %s", worst)
	}
}

// kill -9 at any moment: the file is whole and has every commit that returned.
func TestKilledWhileCommitting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	var want []state.Key
	for round := range 10 {
		prefix := fmt.Sprintf("r%d-", round)
		c := start(t, "commit", path, prefix, "1000000")
		for range 1 + rand.IntN(40) {
			line, ok := c.next()
			if !ok {
				t.Fatal(c.finish())
			}
			want = append(want, lava(prefix+line))
		}
		for until := time.Now().Add(rand.N(3 * time.Millisecond)); time.Now().Before(until); {
			runtime.Gosched()
		}
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		rest, _ := c.finish()
		for _, line := range rest {
			want = append(want, lava(prefix+line))
		}
		statetest.Check(t, path)
		s := must(state.Open(path, state.Options{}))(t)
		for i, e := range must(s.Lookup(ctx, want))(t) {
			if !e.Found || !e.OpenRejects {
				t.Fatalf("round %d: commit of %s had returned: %+v", round, want[i], e)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Compact replaces the file while others write: nobody's writes are lost.
func TestCompactUnderWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	const n = 250
	writers := []*child{start(t, "commit", path, "a", strconv.Itoa(n)), start(t, "commit", path, "b", strconv.Itoa(n))}
	for _, w := range writers {
		if _, ok := w.next(); !ok {
			t.Fatal(w.finish())
		}
	}
	for range 5 {
		if _, _, err := state.Compact(ctx, path); err != nil {
			t.Error(err)
		}
	}
	for _, w := range writers {
		if rest, err := w.finish(); err != nil || len(rest) != n-1 {
			t.Errorf("%d commits, %v", len(rest), err)
		}
	}
	s := statetest.OpenPath(t, path, state.Options{})
	c := must(s.Counts(ctx))(t)
	if c.Finished["lava"] != 2*n || c.Finished["boot"] != 2*n || len(c.Rejects) != 1 || c.Rejects[0].Count != 2*n {
		t.Errorf("left %v, %v", c.Finished, c.Rejects)
	}
}

// Who waits in vain is told for whom.
func TestLockedErrorNamesTheHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	c := start(t, "hold", path)
	if _, ok := c.next(); !ok {
		t.Fatal(c.finish())
	}
	_, err := state.Open(path, state.Options{Wait: 50 * time.Millisecond})
	var locked *state.LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("got %v", err)
	}
	if locked.Path != path || locked.Waited < 50*time.Millisecond || locked.Waited > 5*time.Second {
		t.Errorf("got %+v", locked)
	}
	if locked.PID != 0 && (locked.PID != c.cmd.Process.Pid || !strings.HasSuffix(locked.Command, ".test")) {
		t.Errorf("holder is %d, got %+v", c.cmd.Process.Pid, locked)
	}
	if locked.PID == 0 {
		t.Log("this system does not tell who holds a lock")
	}
	_ = c.in.Close()
	if _, err := c.finish(); err != nil {
		t.Error(err)
	}
	statetest.OpenPath(t, path, state.Options{Wait: 50 * time.Millisecond})
}
