package estest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/kcing/kcing/internal/retry"
)

// What follows is for the command es, which finds its server again by process id.

// Lock takes an exclusive lock on the file path, made when missing, and waits for it until ctx ends. Closing the
// file gives the lock back; so does the end of the process.
func Lock(ctx context.Context, path string) (*os.File, error) {
	f, err := acquire(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return f, nil
}

// Answers reports whether an Elasticsearch answers at url within 2 s.
func Answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/_cluster/health", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	return res.Header.Get("X-Elastic-Product") == "Elasticsearch"
}

// PidAt asks the server at url for its process id; 0 when none answers.
func PidAt(ctx context.Context, url string) int {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var info struct {
		Nodes map[string]struct {
			Process struct{ ID int }
		}
	}
	if err := call(ctx, http.MethodGet, url+"/_nodes/_local/process", &info); err != nil {
		return 0
	}
	for _, n := range info.Nodes {
		return n.Process.ID
	}
	return 0
}

// IsServer reports whether the process pid is a server of ours with its data in dir.
func IsServer(pid int, dir string) bool {
	if pid <= 0 || !alive(pid) {
		return false
	}
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil { // not Linux
		line, err = exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	}
	text := string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
	return err == nil && strings.Contains(text, launcherClass) && strings.Contains(text, "path.data="+dir+"/")
}

// StopPid ends a server found by IsServer cleanly; by force after 30 s.
func StopPid(ctx context.Context, pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := terminate(p); err != nil {
		return fmt.Errorf("stopping process %d: %w", pid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for alive(pid) {
		if retry.Sleep(ctx, 50*time.Millisecond) != nil {
			break
		}
	}
	if alive(pid) {
		return p.Kill()
	}
	return nil
}
