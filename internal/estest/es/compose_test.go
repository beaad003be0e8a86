package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fakeDocker is all that there is on PATH. It notes how it was called, says that there is a container that publishes
// address until it is taken down, and fails where $FAIL is a word of its arguments.
func fakeDocker(t *testing.T, address string) (calls func() string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "calls")
	script := `#!/bin/sh
echo "$@" >>"` + log + `"
case " $* " in
*" $FAIL "*) echo "no route to host" >&2; exit 1 ;;
*" down "*) : >"` + log + `.down" ;;
*" port "* | *" ps "*) [ -e "` + log + `.down" ] || echo "` + address + `" ;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("JAVA_HOME", "")
	t.Setenv("FAIL", "-")
	t.Setenv("KCING_ES", "")
	return func() string {
		b, err := os.ReadFile(log)
		err = errors.Join(err, os.Remove(log))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

// TestContainer is up and down where there is no Java and a daemon answers.
func TestContainer(t *testing.T) {
	tree(t)
	elastic := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
	}))
	defer elastic.Close()
	address := elastic.Listener.Addr().String()
	_, port, _ := strings.Cut(address, ":")
	calls := fakeDocker(t, address)
	if out, stderr, err := es(t, "up", "--port", port); err != nil || out != elastic.URL ||
		stderr != "already running" {
		t.Fatalf("up: %q, %q, %v", out, stderr, err)
	}
	if out, _, err := es(t, "url"); err != nil || out != elastic.URL {
		t.Errorf("url: %q, %v", out, err)
	}
	calls()
	if _, stderr, err := es(t, "down"); err != nil || stderr != "" {
		t.Errorf("down: %q, %v", stderr, err)
	}
	// A project of its own: "docker compose up" of the same file is kcing.
	if got := calls(); !regexp.MustCompile(`(?m)^compose --project-name kcing-es-[0-9a-f]{8} --file \S+/compose\.yaml down --volumes\n$`).MatchString(got) {
		t.Errorf("down called docker %s", got)
	}
	if _, stderr, _ := es(t, "down"); stderr != "not running" {
		t.Errorf("down again: %q", stderr)
	}

	fakeDocker(t, "127.0.0.1:1") // another tree's container is at the port
	if _, _, err := es(t, "up", "--port", port); err == nil ||
		!strings.Contains(err.Error(), "is taken by an Elasticsearch") {
		t.Errorf("up beside another: %v", err)
	}
	t.Setenv("FAIL", "up")
	if _, stderr, err := es(t, "up", "--port", "0"); err == nil || !strings.Contains(err.Error(), "KCING_ES=jvm") ||
		stderr != "no route to host" {
		t.Errorf("up without a network: %q, %v", stderr, err)
	}
	t.Setenv("FAIL", "version")
	if _, _, err := es(t, "up", "--port", "0"); err == nil || !strings.Contains(err.Error(), "docker-compose-plugin") {
		t.Errorf("up without compose: %v", err)
	}
}
