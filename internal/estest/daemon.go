package estest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/kcing/kcing/internal/retry"
)

// What follows is for the command es, which finds its server again.

// Answers reports whether an Elasticsearch answers at url within 2 s.
func Answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return answers(ctx, url) == nil
}

// Running finds the server in a JVM that was launched with DataDir dir: the one at the port that is noted there, if
// it says so itself. url is empty when none answers.
func Running(ctx context.Context, dir string) (url string, pid int) {
	port, ok := (&jvm{dir: dir}).port()
	if !ok {
		return "", 0
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var info struct {
		Nodes map[string]struct {
			Process  struct{ ID int }
			Settings struct{ Path struct{ Data string } }
		}
	}
	url = LocalURL(port)
	err := call(ctx, http.MethodGet, url+"/_nodes/_local/process,settings?filter_path=nodes.*.process.id,"+
		"nodes.*.settings.path.data", &info)
	for _, node := range info.Nodes {
		if err == nil && node.Settings.Path.Data == filepath.Join(dir, "data") {
			return url, node.Process.ID
		}
	}
	return "", 0
}

// StopPid ends a server found by Running cleanly; by force after 30 s.
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
			return p.Kill()
		}
	}
	return nil
}
