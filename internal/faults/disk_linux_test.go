package faults

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// smallDisk mounts a file system of this size. Only root may, and not in each
// container: then the test is skipped, and the one with a limit on the size of
// the process's files, which needs no rights, has to do.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func remount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|flags, options); err != nil {
		t.Fatal(err)
	}
}

// limited makes a command start with a limit on the size of its files, in
// blocks of 512 or 1024 bytes.
func limited(run *process, blocks int) *process {
	run.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -f %d && exec "$@"`, blocks), "sh", run.Path},
		run.Args[1:]...)
	run.Path = "/bin/sh"
	return run
}

// noMoreWrites makes each further write of a process to a file fail.
func noMoreWrites(run *process) error {
	limit := syscall.Rlimit{Cur: 0, Max: 0}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(run.Process.Pid), syscall.RLIMIT_FSIZE,
		uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

const bootRecord = `{"id":"b%d","board":"a","lab_name":"l","boot_result":"PASS","created_on":"2021-03-04 05:06:07+00:00"}` + "\n"

// pairs are n good records, the corpus, and beside each one that is refused as a
// whole and kept with its bytes: these are what makes a state file grow.
type pairs struct {
	*corpus
	lines []string
}

func newPairs(w *workplace, n int) pairs {
	w.t.Helper()
	random := rand.NewChaCha8([32]byte{})
	filler := make([]byte, 12<<10) // random, in hexadecimal: as large when compressed
	p := pairs{}
	for i := range n {
		_, _ = random.Read(filler)
		boot := fmt.Sprintf(bootRecord, i)
		p.lines = append(p.lines, boot+fmt.Sprintf(`{"id":%d,"lab_name":"l","definition":"","results":{},"filler":"%x"}`, i, filler)+"\n")
		w.writeFile(fmt.Sprintf("good/boot%03d.json", i), boot)
	}
	p.corpus = &corpus{records: n, documents: expected(w.t, w.path("good"))}
	return p
}

// fillUp feeds the pairs to a run that meets the end of its room, some of them
// after the first are in the state file. It wants the run to name the file, and
// to claim nothing that is not in it; and a later run with room to finish.
func (w *workplace) fillUp(run *process, p pairs, why string, makeRoom func()) {
	w.t.Helper()
	run.start()
	const some = 10
	_, _ = io.WriteString(run.in, strings.Join(p.lines[:some], ""))
	until(w.t, "the first records are in the state file", func() bool {
		if _, err := os.Stat(w.env["KCING_DB"]); err != nil {
			return false
		}
		finished, rejects := w.state()
		return finished == some && rejects == some
	})
	_, _ = io.WriteString(run.in, strings.Join(p.lines[some:], "")) // it may end before it has read all
	out, stderr := w.wait(run, exitFailed)
	line := w.closing(stderr)
	if !strings.Contains(line, w.env["KCING_DB"]) || !strings.Contains(line, why) ||
		!strings.HasPrefix(line, "kcing: not finished: ") {
		w.t.Errorf("it says %q, want %q and the path", line, why)
	}
	finished, rejects := w.state()
	n := numbers{w.t, w.report(out)}
	if int(n.get("finished")) != finished || int(n.sum("refused")) != rejects {
		w.t.Errorf("the state file has %d finished records and %d rejects; the report: %s", finished, rejects, out)
	}
	if pending := w.pendingIn(line); pending != int(n.get("records"))-finished-rejects || pending == 0 {
		w.t.Errorf("%d finished, %d rejects, %d pending: %s", finished, rejects, pending, out)
	}

	makeRoom()
	run = w.command("feed", "-").start()
	_, _ = io.WriteString(run.in, strings.Join(p.lines, ""))
	w.wait(run, exitRejects)
	w.holds(p.documents)
	if finished, rejects := w.state(); finished != p.records || rejects != p.records {
		w.t.Errorf("%d finished and %d rejects, want %d of each", finished, rejects, p.records)
	}
}

// TestFullDisk: the disk of the state file is full in the middle of a run.
func TestFullDisk(t *testing.T) {
	server := elasticsearch(t)
	t.Run("tmpfs", func(t *testing.T) {
		disk := smallDisk(t, "1m")
		w := newWorkplace(t, server.URL(), server.URL()).with("KCING_DB", filepath.Join(disk, "kcing.db"))
		w.program = plainProgram(t) // the race detector makes it slow to cut tokens out of so many rejects
		w.fillUp(w.command("feed", "-", "--json"), newPairs(w, 150), "no space left on device", func() {
			remount(t, disk, 0, "size=64m")
		})
	})
	t.Run("limit", func(t *testing.T) {
		w := newWorkplace(t, server.URL(), server.URL())
		w.with("KCING_DB", w.path("kcing.db"))
		w.program = plainProgram(t)
		w.fillUp(limited(w.command("feed", "-", "--json"), 1400), newPairs(w, 150), "file too large", func() {})
	})
}

// TestNoRoomAtAll: nothing is sent when the state file cannot be made.
func TestNoRoomAtAll(t *testing.T) {
	server := elasticsearch(t)
	c := usual(t)
	f := func(name, why string, prepare func(t *testing.T, w *workplace, run *process) (db string, makeRoom func())) {
		t.Run(name, func(t *testing.T) {
			w := newWorkplace(t, server.URL(), server.URL())
			run := w.command("feed", c.dir)
			db, makeRoom := prepare(t, w, run)
			w.with("KCING_DB", db)
			run.Env = append(run.Env, "KCING_DB="+db)
			_, stderr := w.wait(run.start(), exitFailed)
			if line := w.closing(stderr); line != stderr || !strings.Contains(line, db) ||
				!strings.Contains(line, why) {
				t.Errorf("it says %q, want %q and the path", stderr, why)
			}
			if n := w.es.count(w.prefix); n > 0 {
				t.Errorf("%d documents were sent", n)
			}
			makeRoom()
			w.run(exitOK, "feed", c.dir)
			w.complete(c)
		})
	}
	f("full disk", "no space left on device", func(t *testing.T, _ *workplace, _ *process) (string, func()) {
		disk := smallDisk(t, "64k")
		if err := os.WriteFile(filepath.Join(disk, "junk"), make([]byte, 60<<10), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(disk, "kcing.db"), func() { remount(t, disk, 0, "size=8m") }
	})
	f("read-only disk", "read-only file system", func(t *testing.T, _ *workplace, _ *process) (string, func()) {
		disk := smallDisk(t, "8m")
		remount(t, disk, syscall.MS_RDONLY, "")
		return filepath.Join(disk, "kcing.db"), func() { remount(t, disk, 0, "") }
	})
	f("read-only folder", "permission denied", func(t *testing.T, w *workplace, _ *process) (string, func()) {
		if os.Geteuid() == 0 {
			t.Skip("root may write to each folder")
		}
		dir := w.path("db")
		if err := os.Mkdir(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, "kcing.db"), func() {
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	})
	f("limit", "file too large", func(_ *testing.T, w *workplace, run *process) (string, func()) {
		limited(run, 4)
		return w.path("kcing.db"), func() {}
	})
}

// TestDiskFailsWhileRunning: the state file cannot be written any more when a
// document is on its way. It is in Elasticsearch then, but its record is not
// finished before the state file says so.
func TestDiskFailsWhileRunning(t *testing.T) {
	t.Run("read-only", func(t *testing.T) { // as a disk with errors becomes
		disk := smallDisk(t, "8m")
		failsWhileRunning(t, filepath.Join(disk, "kcing.db"), "read-only file system", func(*process) error {
			// busy while kcing has the file
			return syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		}, func() { remount(t, disk, 0, "size=8m") })
	})
	t.Run("limit", func(t *testing.T) {
		failsWhileRunning(t, filepath.Join(t.TempDir(), "kcing.db"), "file too large", noMoreWrites, func() {})
	})
}

func failsWhileRunning(t *testing.T, db, why string, fail func(*process) error, mend func()) {
	t.Helper()
	server := elasticsearch(t)
	p := newProxy(t, server.URL(), proxyOptions{})
	w := newWorkplace(t, server.URL(), p.url).with("KCING_DB", db)
	run := w.command("feed", "-", "--json").start()
	feed := func(n int) {
		if _, err := fmt.Fprintf(run.in, bootRecord, n); err != nil {
			t.Fatal(err)
		}
	}
	feed(1)
	until(t, "the first record is finished", func() bool {
		if _, err := os.Stat(db); err != nil {
			return false
		}
		finished, _ := w.state()
		return finished == 1
	})
	failed := make(chan struct{})
	p.set(func(c call) fault { // the second one is looked up and on its way
		if c.bulk == 2 {
			until(t, "the state file fails", func() bool { return fail(run) == nil })
			close(failed)
		}
		return none
	})
	feed(2)
	select {
	case <-failed:
	case <-run.ended:
	}
	out, stderr := w.wait(run, exitFailed)
	if line := w.closing(stderr); !strings.Contains(line, db) || !strings.Contains(line, why) ||
		w.pendingIn(line) != 1 {
		t.Errorf("it says %q", line)
	}
	if r := w.report(out); r.Get("finished").Int() != 1 || r.Get("pending").Int() != 1 ||
		r.Get("bulk.stored").Int() != 2 {
		t.Errorf("report %s", out)
	}
	mend()
	if finished, _ := w.state(); finished != 1 {
		t.Errorf("%d records are finished, want 1", finished)
	}
	run = w.command("feed", "-", "--json").start()
	feed(1)
	feed(2)
	out, _ = w.wait(run, exitOK)
	if r := w.report(out); r.Get("skipped").Int() != 1 || r.Get("finished").Int() != 1 ||
		r.Get("bulk.duplicate").Int() != 1 {
		t.Errorf("the second run reports %s", out)
	}
	if n := w.es.count(w.prefix); n != 2 {
		t.Errorf("%d documents, want 2", n)
	}
}

// TestReportCannotBeWritten: a full disk under stdout is no success either.
func TestReportCannotBeWritten(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = full.Close() }()
	server := elasticsearch(t)
	c := usual(t)
	for _, args := range [][]string{{"feed", c.dir, "--json"}, {"feed", c.dir, "--dry-run"}} {
		w := newWorkplace(t, server.URL(), server.URL())
		run := w.command(args...)
		run.Stdout = full
		_, stderr := w.wait(run.start(), exitFailed)
		if line := w.closing(stderr); !strings.Contains(line, "no space left on device") {
			t.Errorf("%v says %q", args, line)
		}
	}
}
