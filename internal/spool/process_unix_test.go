//go:build unix

package spool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const childEnv = "KCING_SPOOL_TEST_CHILD"

// TestMain lets the test binary be a process that puts records.
func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(childEnv) {
	case "":
		os.Exit(m.Run())
	case "put":
		err = childPut(os.Args[1])
	case "fill":
		err = childFill(os.Args[1], os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(t *testing.T, what string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), childEnv+"="+what)
	cmd.Stderr = os.Stderr
	return cmd
}

// childPayload is that of the n-th record of a child.
func childPayload(n int) []byte {
	return []byte(strings.Repeat(strconv.Itoa(n)+" ", 5000))
}

// childPut puts records from several goroutines for ever; each number is printed
// after Put has returned.
func childPut(dir string) error {
	s, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	var next, mu sync.Mutex
	n := 0
	failed := make(chan error)
	for range 8 {
		go func() {
			for {
				next.Lock()
				i := n
				n++
				next.Unlock()
				if _, err := s.Put(context.Background(), Meta{Kind: "lava", Key: strconv.Itoa(i)},
					childPayload(i)); err != nil {
					failed <- err
				}
				mu.Lock()
				_, _ = fmt.Println(i)
				mu.Unlock()
			}
		}()
	}
	return <-failed
}

// TestKilled: what was acknowledged before a kill -9 is there, whole, once.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 3 {
		sub := filepath.Join(dir, strconv.Itoa(round))
		cmd := child(t, "put", sub)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		clear(acknowledged)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			acknowledged[lines.Text()] = true
			if len(acknowledged) == 20+13*round {
				_ = cmd.Process.Kill()
				break
			}
		}
		for lines.Scan() { // what was printed before it died counts too
			acknowledged[lines.Text()] = true
		}
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()

		s := open(t, sub, Options{})
		found := map[string]bool{}
		for _, it := range adopt(t, s) {
			m, payload, err := s.Read(it)
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(m.Key)
			if err != nil || string(payload) != string(childPayload(n)) || found[m.Key] {
				t.Fatalf("record %s: %v", m.Key, err)
			}
			found[m.Key] = true
		}
		for n := range acknowledged {
			if !found[n] {
				t.Errorf("record %s was acknowledged and is not there", n)
			}
		}
		if left := files(t, sub, tmpSuffix); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		if st := s.Stats(); st.Corrupt != 0 || len(acknowledged) < 20 {
			t.Errorf("%+v after %d", st, len(acknowledged))
		}
	}
}

// childFill puts a record under RLIMIT_FSIZE that is larger, then one that is not.
func childFill(dir, limit string) error {
	most, err := strconv.ParseUint(limit, 10, 64)
	if err != nil {
		return err
	}
	s, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
		return err
	}
	r.Cur = most
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
		return err
	}
	var full *FullError
	if _, err = s.Put(context.Background(), Meta{}, make([]byte, 2*most)); !errors.As(err, &full) ||
		full.Limit != "disk" || !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("the large one: %w", err)
	}
	if strings.Contains(err.Error(), tmpSuffix) || !strings.Contains(err.Error(), dir) {
		return fmt.Errorf("its message: %w", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 { // the lock
		return fmt.Errorf("left behind: %v", left)
	}
	_, err = s.Put(context.Background(), Meta{}, make([]byte, most/2))
	return err
}

func TestFileSizeLimit(t *testing.T) {
	if err := child(t, "fill", t.TempDir(), "100000").Run(); err != nil {
		t.Error(err)
	}
}
