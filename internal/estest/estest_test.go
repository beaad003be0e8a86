package estest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/retry"
)

// ownerVariable makes this test binary a process that starts a server and waits to be killed.
const ownerVariable = "ESTEST_OWNER"

func TestMain(m *testing.M) {
	if os.Getenv(ownerVariable) != "" {
		own()
	}
	os.Exit(Main(m))
}

func own() {
	s, err := Launch(context.Background(), LaunchOptions{Quick: true})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Pid(), s.dir)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func send(t *testing.T, method, url, body string, want int) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != want {
		t.Fatalf("%s %s: %s, want %d: %s", method, url, res.Status, want, b)
	}
	return b
}

func TestKillAndRestart(t *testing.T) {
	s, err := Launch(t.Context(), LaunchOptions{Settings: map[string]string{"http.max_content_length": "1mb"},
		Quick: true})
	if err != nil {
		GiveUp(t, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	url, pid := s.URL(), s.Pid()
	send(t, "PUT", url+"/a/_doc/1?refresh=true", `{"x":1}`, http.StatusCreated)
	send(t, "POST", url+"/a/_doc", `{"x":"`+strings.Repeat("y", 1<<20)+`"}`, http.StatusRequestEntityTooLarge)
	s.Kill()
	if s.Pid() != 0 {
		t.Errorf("process id %d after Kill", s.Pid())
	}
	if res, err := http.Get(url); err == nil {
		_ = res.Body.Close()
		t.Fatal("it answers after Kill")
	}
	s.Kill() // nothing to do
	ctx, cancel := context.WithTimeout(t.Context(), launchPatience)
	defer cancel()
	if err := s.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if s.URL() != url || pid != 0 && s.Pid() == pid {
		t.Errorf("restarted at %s as %d, was at %s as %d", s.URL(), s.Pid(), url, pid)
	}
	send(t, "GET", url+"/a/_doc/1", "", http.StatusOK)
	if err := s.Restart(ctx); err != nil { // while it runs
		t.Fatal(err)
	}
	send(t, "GET", url+"/a/_doc/1", "", http.StatusOK)
}

func TestBadSetting(t *testing.T) {
	skipWithoutServer(t)
	s, err := Launch(t.Context(), LaunchOptions{Settings: map[string]string{"no.such.setting": "1"}, Quick: true})
	if err == nil {
		t.Fatalf("it runs: %s", errorOf(s.Close()))
	}
	if !strings.Contains(err.Error(), "no.such.setting") {
		t.Errorf("the error does not name the setting: %v", err)
	}
}

func errorOf(err error) string { return fmt.Sprint(err) }

// skipWithoutServer is for tests that call Launch themselves.
func skipWithoutServer(t *testing.T) {
	t.Helper()
	if os.Getenv("ELASTICSEARCH_URL") == "" {
		Shared(t)
	}
}

func TestSharedIsOne(t *testing.T) {
	url := Shared(t)
	if again := Shared(t); again != url {
		t.Errorf("second server at %s, first at %s", again, url)
	}
	var info struct{ Version struct{ Number string } }
	if err := json.Unmarshal(send(t, "GET", url+"/", "", http.StatusOK), &info); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("ELASTICSEARCH_URL") == "" && info.Version.Number != Version {
		t.Errorf("version %q, want %s", info.Version.Number, Version)
	}
	send(t, "HEAD", url+"/", "", http.StatusOK)
}

// What mappings need: flat names with dots, and aliases for .keyword.
func TestTemplateWithAliases(t *testing.T) {
	url := Shared(t)
	prefix := Prefix(t, url)
	send(t, "PUT", url+"/_index_template/"+prefix+"boot", `{"index_patterns":["`+prefix+`boot-*"],"template":{
		"settings":{"index.mapping.ignore_malformed":true},
		"mappings":{"subobjects":false,"date_detection":false,"properties":{
			"lab":{"type":"keyword"},"lab.keyword":{"type":"alias","path":"lab"}}}}}`, http.StatusOK)
	send(t, "PUT", url+"/"+prefix+"boot-1/_doc/1?refresh=true", `{"lab":"x","a":1,"a.b":"y"}`, http.StatusCreated)
	var found struct {
		Hits struct{ Total struct{ Value int } }
	}
	b := send(t, "POST", url+"/"+prefix+"*/_search", `{"query":{"term":{"lab.keyword":"x"}}}`, http.StatusOK)
	if err := json.Unmarshal(b, &found); err != nil || found.Hits.Total.Value != 1 {
		t.Errorf("%v: %s", err, b)
	}
}

func TestPrefixCleansUp(t *testing.T) {
	url := Shared(t)
	other := Prefix(t, url)
	send(t, "PUT", url+"/"+other+"kept", "", http.StatusOK)
	var prefix string
	t.Run("inner", func(t *testing.T) {
		prefix = Prefix(t, url)
		for i := range 45 { // more than fit one request
			send(t, "PUT", url+"/"+prefix+strconv.Itoa(i)+"-"+strings.Repeat("x", 100),
				`{"settings":{"number_of_replicas":0}}`, http.StatusOK)
		}
		send(t, "PUT", url+"/_index_template/"+prefix+"a", `{"index_patterns":["`+prefix+`*"]}`, http.StatusOK)
		send(t, "PUT", url+"/_component_template/"+prefix+"b", `{"template":{}}`, http.StatusOK)
	})
	if prefix == other || strings.ToLower(prefix) != prefix {
		t.Errorf("prefixes %q and %q", prefix, other)
	}
	if b := send(t, "GET", url+"/_cat/indices/"+prefix+"*?h=index", "", http.StatusOK); len(b) > 0 {
		t.Errorf("indices are left: %s", b)
	}
	send(t, "GET", url+"/_index_template/"+prefix+"a", "", http.StatusNotFound)
	send(t, "GET", url+"/_component_template/"+prefix+"b", "", http.StatusNotFound)
	send(t, "HEAD", url+"/"+other+"kept", "", http.StatusOK)
}

// isServer reports whether the process pid, which may be a zombie, is a server with its data in dir.
func isServer(pid int, dir string) bool {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil { // not Linux
		line, err = exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	}
	return err == nil && strings.Contains(string(line), "path.data="+dir+"/")
}

func TestOwnerKilled(t *testing.T) { killOwner(t, func(int) {}) }

// killOwner kills a process that has a server: the server must go, and the next start removes its data. before is
// called with the server's process id.
func killOwner(t *testing.T, before func(pid int)) {
	t.Helper()
	skipWithoutServer(t)
	if docker, err := UseDocker(t.Context()); err != nil || docker {
		t.Skip("the server is not our child")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), ownerVariable+"=1", "TMPDIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	var dir string
	_, err = fmt.Fscan(stdout, &pid, &dir)
	running := err == nil && isServer(pid, dir)
	if running {
		before(pid)
	}
	if killErr := cmd.Process.Kill(); !running || killErr != nil {
		t.Fatalf("no server at process id %d in %q: %v, %v", pid, dir, err, killErr)
	}
	_ = cmd.Wait() // killed
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for isServer(pid, dir) {
		if err := retry.Sleep(ctx, 20*time.Millisecond); err != nil {
			t.Fatalf("server %d outlived its owner", pid)
		}
	}
	t.Setenv("TMPDIR", filepath.Dir(dir))
	sweep()
	if exists(dir) {
		t.Errorf("%s is left", dir)
	}
}
