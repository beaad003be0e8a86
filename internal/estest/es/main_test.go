package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/estest"
)

// tree makes a working tree with nothing in it but what up reads, and goes there.
func tree(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	compose, err := os.ReadFile("../../../compose.yaml")
	err = errors.Join(err, os.WriteFile(filepath.Join(dir, "compose.yaml"), compose, 0o644),
		os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module x\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
}

// es runs the command and returns what it printed, without line ends.
func es(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	err = run(t.Context(), args, &out, &errs)
	if errors.Is(err, estest.ErrPrerequisite) && os.Getenv("CI") == "" &&
		os.Getenv("KCING_REQUIRE_ELASTICSEARCH") == "" {
		t.Skip(err)
	}
	return strings.TrimSpace(out.String()), strings.TrimSpace(errs.String()), err
}

func TestUpAndDown(t *testing.T) {
	tree(t)
	url, _, err := es(t, "up", "--port", "0")
	t.Cleanup(func() { // also when the test ends early: nobody else would
		if err := run(context.Background(), []string{"down"}, os.Stderr, os.Stderr); err != nil {
			t.Error(err)
		}
	})
	if err != nil || !estest.Answers(t.Context(), url) {
		t.Fatalf("up: %q, %v", url, err)
	}
	port := url[strings.LastIndexByte(url, ':')+1:]
	f := func(wantOut, wantErr string, args ...string) {
		t.Helper()
		out, errs, err := es(t, args...)
		if err != nil {
			errs += err.Error()
		}
		if !strings.Contains(out, wantOut) || !strings.Contains(errs, wantErr) || wantErr == "" && errs != "" {
			t.Errorf("es %s: %q, %q; want %q, %q", args, out, errs, wantOut, wantErr)
		}
	}
	f(url, "already running", "up", "--port", "0")
	f(url, "already running", "up")
	f("", "es down", "up", "--port", "1")
	f(url, "", "url")
	f(url, "already running", "up", "--port", port)
	f("", "", "down")
	if estest.Answers(t.Context(), url) {
		t.Error("it answers after down")
	}
	f("", "not running", "down")
	f("", "not running", "url")
}

// TestAnotherServer: at the port of this tree's last server now is one of another tree.
func TestAnotherServer(t *testing.T) {
	tree(t)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		_, _ = fmt.Fprintf(w, `{"nodes":{"x":{"process":{"id":%d},"settings":{"path":{"data":"/elsewhere/data"}}}}}`,
			os.Getpid())
	}))
	defer other.Close()
	path := filepath.Join(".cache", "elasticsearch", "logs", "http.ports")
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755),
		os.WriteFile(path, []byte(other.Listener.Addr().String()+"\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	if out, _, err := es(t, "url"); err == nil {
		t.Errorf("url: %s", out)
	}
	if _, stderr, err := es(t, "down"); err != nil || stderr != "not running" {
		t.Errorf("down: %q, %v", stderr, err)
	}
}

func TestUpPortTaken(t *testing.T) {
	tree(t)
	f := func(address, want string) {
		t.Helper()
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err = es(t, "up", "--port", port); err == nil ||
			!strings.Contains(err.Error(), "port "+port+" is taken by "+want) {
			t.Errorf("up: %v, want that %s has the port", err, want)
		}
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	f(other.Listener.Addr().String(), "another program")
	elastic := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		_, _ = w.Write([]byte("{}"))
	}))
	defer elastic.Close()
	f(elastic.Listener.Addr().String(), "an Elasticsearch that")
}

func TestRun(t *testing.T) {
	t.Chdir(t.TempDir()) // needs no working tree
	file := filepath.Join(t.TempDir(), "url")
	script := []string{"run", "--", "sh", "-c", `echo "$ELASTICSEARCH_URL" >"$0"; exit 7`, file}
	f := func() string {
		t.Helper()
		_, _, err := es(t, script...)
		var code exitError
		if !errors.As(err, &code) || code != 7 {
			t.Fatalf("run: %v, want exit code 7", err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	t.Setenv("ELASTICSEARCH_URL", "")
	if url := f(); !strings.HasPrefix(url, "http://127.0.0.1:") || estest.Answers(t.Context(), url) {
		t.Errorf("URL %q, and nobody must answer there now", url)
	}
	t.Setenv("ELASTICSEARCH_URL", "http://given:1")
	if url := f(); url != "http://given:1" {
		t.Errorf("URL %q, want the given one", url)
	}
}

func TestUsage(t *testing.T) {
	tree(t)
	f := func(args ...string) {
		t.Helper()
		if _, _, err := es(t, args...); !errors.Is(err, errUsage) {
			t.Errorf("es %s: %v", args, err)
		}
	}
	f()
	f("start")
	f("run", "--")
	f("up", "now")
	f("up", "--prot", "1")
	if out, _, err := es(t, "help"); err != nil || out != usage {
		t.Errorf("help: %q, %v", out, err)
	}
}

// TestMissing is what a person without Java sees.
func TestMissing(t *testing.T) {
	tree(t)
	t.Setenv("CI", "1") // es must not skip
	t.Setenv("KCING_ES", "jvm")
	t.Setenv("JAVA_HOME", t.TempDir())
	_, _, err := es(t, "up", "--port", "0")
	if err == nil || !strings.Contains(err.Error(), "openjdk-17") || strings.Contains(err.Error(), "\n") {
		t.Errorf("up: %v, want one line on what to install", err)
	}
}
