// Package packaging_test tries the packages that make snapshot left in dist/: make package-test.
package packaging_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// built is what make snapshot left in dist/. Without make package-test nothing is looked at: it may be of last year.
func built(t *testing.T, pattern string) string {
	t.Helper()
	if os.Getenv("KCING_REQUIRE_PACKAGES") == "" {
		t.Skip("for make package-test")
	}
	found, err := filepath.Glob("../dist/" + pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d of %s in dist, want one: make snapshot", len(found), pattern)
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func tool(t *testing.T, name, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatal("no " + name + " here: apt-get install " + pkg)
	}
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, out)
	}
	return string(out)
}

// common are the files of both packages, but for zsh's completion and the licence.
var common = []string{
	"/etc/kcing/kcing.env", "/usr/bin/kcing", "/usr/lib/systemd/system/kcing-feed.service",
	"/usr/lib/systemd/system/kcing-feed.timer",
	"/usr/lib/systemd/system/kcing.service", "/usr/share/bash-completion/completions/kcing",
	"/usr/share/doc/kcing/CHANGELOG.md.gz",
	"/usr/share/fish/vendor_completions.d/kcing.fish", "/usr/share/man/man1/kcing.1.gz",
}

func sameFiles(t *testing.T, got, more []string) {
	t.Helper()
	want := slices.Sorted(slices.Values(slices.Concat(common, more)))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("files %q\nwant %q", got, want)
	}
}

func TestDebFiles(t *testing.T) {
	deb := built(t, "kcing_*_"+runtime.GOARCH+".deb")
	tool(t, "dpkg-deb", "dpkg")
	var files []string
	for line := range strings.Lines(output(t, "dpkg-deb", "--contents", deb)) {
		f := strings.Fields(line)
		name := strings.TrimPrefix(f[5], ".")
		if strings.HasSuffix(name, "/") {
			continue
		}
		files = append(files, name)
		mode, owner := "-rw-r--r--", "root/root"
		switch name {
		case "/usr/bin/kcing":
			mode = "-rwxr-xr-x"
		case "/etc/kcing/kcing.env": // may hold passwords
			mode, owner = "-rw-r-----", "root/kcing"
		}
		if f[0] != mode || f[1] != owner {
			t.Errorf("%s is %s %s, want %s %s", name, f[0], f[1], mode, owner)
		}
	}
	sameFiles(t, files, []string{"/usr/share/zsh/vendor-completions/_kcing", "/usr/share/doc/kcing/copyright"})
	if conf := output(t, "dpkg-deb", "--info", deb, "conffiles"); conf != "/etc/kcing/kcing.env\n" {
		t.Errorf("conffiles %q", conf)
	}
}

func TestRPMFiles(t *testing.T) {
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	rpm := built(t, "kcing-*."+arch+".rpm")
	tool(t, "rpm", "rpm")
	var files []string
	for line := range strings.Lines(output(t, "rpm", "-qp", "--queryformat",
		`[%{FILENAMES} %{FILEMODES:perms} %{FILEGROUPNAME} %{FILEFLAGS:fflags}\n]`, rpm)) {
		f := strings.Fields(line)
		files = append(files, f[0])
		if f[0] == "/etc/kcing/kcing.env" && strings.Join(f[1:], " ") != "-rw-r----- kcing cn" {
			t.Errorf("kcing.env is %q", f[1:])
		}
	}
	sameFiles(t, files, []string{"/etc/kcing", "/usr/share/zsh/site-functions/_kcing",
		"/usr/share/licenses/kcing/LICENSE"})
	scripts := output(t, "rpm", "-qp", "--scripts", rpm)
	for _, want := range []string{"preinstall", "postinstall", "preuninstall", "postuninstall"} {
		if !strings.Contains(scripts, want) {
			t.Errorf("no %s script", want)
		}
	}
}

// TestScripts: what runs as root on other people's machines is at least sound shell.
func TestScripts(t *testing.T) {
	for _, pattern := range []string{"deb/*", "rpm/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) != 4 {
			t.Fatalf("%s: %q, %v", pattern, found, err)
		}
		for _, name := range found {
			output(t, "sh", "-n", name)
			if path, err := exec.LookPath("shellcheck"); err == nil {
				output(t, path, "--shell=sh", name)
			}
		}
	}
}

// TestChecksumsAndSBOMs: each file of the release has a checksum, each binary an SBOM, unless there was no tool for it.
func TestChecksumsAndSBOMs(t *testing.T) {
	sums, err := os.ReadFile(built(t, "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{}
	kind := regexp.MustCompile(`(tar\.gz|deb|rpm|cdx\.json)$`)
	for line := range strings.Lines(string(sums)) {
		listed[kind.FindString(strings.TrimSpace(line))]++
	}
	if sboms := listed["cdx.json"]; listed["tar.gz"] != 6 || listed["deb"] != 4 || listed["rpm"] != 4 ||
		sboms != 6 && sboms != 0 {
		t.Errorf("checksums of %v", listed)
	}
}
