package estest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kcing/kcing/tools/elasticsearch"
)

func TestJVMCommand(t *testing.T) {
	folder, dir := t.TempDir(), t.TempDir()
	for _, name := range []string{"b.jar", "a.jar"} {
		path := filepath.Join(folder, "classpath", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	j := &jvm{java: "/opt/java", folder: folder, dir: dir, owned: true, quick: true,
		settings: map[string]string{"http.max_content_length": "1mb", "node.name": "mine"}}
	cmd, err := j.command(0)
	if err != nil {
		t.Fatal(err)
	}
	f := func(want ...string) {
		t.Helper()
		i := slices.Index(cmd.Args, want[0])
		if i < 0 || i+len(want) > len(cmd.Args) || !slices.Equal(cmd.Args[i:i+len(want)], want) {
			t.Errorf("arguments %q are not in %q", want, cmd.Args)
		}
	}
	f("/opt/java")
	f("-Xmx512m")
	f("-Dkcing.owner=stdin")
	f("-XX:TieredStopAtLevel=1")
	f("-cp", "classpath/a.jar:classpath/b.jar", launcherClass, filepath.Join(folder, "home"))
	f("http.port=0")
	f("http.max_content_length=1mb")
	f("node.name=mine")
	f("path.data=" + filepath.Join(dir, "data"))
	if !exists(filepath.Join(dir, "tmp")) || cmd.Dir != folder {
		t.Errorf("working directory %q", cmd.Dir)
	}
	j.owned, j.heap = false, "1g"
	if cmd, err = j.command(9200); err != nil {
		t.Fatal(err)
	}
	f("-Xmx1g")
	f("http.port=9200")
	if slices.Contains(cmd.Args, "-Dkcing.owner=stdin") {
		t.Error("a detached server must not end with us")
	}
}

func TestJVMPort(t *testing.T) {
	j := &jvm{dir: t.TempDir()}
	if err := j.prepare(); err != nil {
		t.Fatal(err)
	}
	f := func(content string, want int, ok bool) {
		t.Helper()
		if err := os.WriteFile(j.portsFile(), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, gotOK := j.port(); gotOK != ok || got != want && ok {
			t.Errorf("port of %q: %d %v, want %d %v", content, got, gotOK, want, ok)
		}
	}
	f("", 0, false)
	f("127.0.0.1:41234\n", 41234, true)
	f("[::1]:41234\n127.0.0.1:9\n", 41234, true)
	if err := j.prepare(); err != nil {
		t.Fatal(err)
	}
	if _, ok := j.port(); ok {
		t.Error("the port of the last run is still there")
	}
}

func TestDockerCommand(t *testing.T) {
	c := &container{name: "kcing-test-1", settings: map[string]string{"http.max_content_length": "1mb"}}
	got := strings.Join(c.args(41234), " ")
	f := func(want string) {
		t.Helper()
		if !strings.Contains(got, want) {
			t.Errorf("no %q in docker %s", want, got)
		}
	}
	f("run --rm -i --name kcing-test-1 ")
	f(" --publish 127.0.0.1:41234:9200 ")
	f(" --volume kcing-test-1:/usr/share/elasticsearch/data ")
	f(" --env ES_JAVA_OPTS=-Xms512m -Xmx512m ")
	f(" --env discovery.type=single-node ")
	f(" --env xpack.security.enabled=false ")
	f(" --env http.max_content_length=1mb ")
	f(" --entrypoint /bin/bash " + Image + " -c exec ")
}

func TestUseDockerForced(t *testing.T) {
	f := func(value string, want, wantErr bool) {
		t.Helper()
		t.Setenv("KCING_ES", value)
		got, err := UseDocker(t.Context())
		if got != want || (err != nil) != wantErr {
			t.Errorf("KCING_ES=%s: %v, %v", value, got, err)
		}
	}
	f("docker", true, false)
	f("jvm", false, false)
	f("podman", false, true)
	t.Setenv("PATH", t.TempDir()) // no docker there
	f("", false, false)
}

// TestUseDocker: what Java needs is preferred to a daemon, which may have neither image nor network.
func TestUseDocker(t *testing.T) {
	daemon, maven, cached := t.TempDir(), t.TempDir(), t.TempDir()
	for _, path := range []string{filepath.Join(daemon, "docker"), filepath.Join(maven, "mvn"),
		filepath.Join(maven, "javac")} {
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := &cache{base: cached, sources: elasticsearch.Sources,
		build: func(_ context.Context, _ fs.FS, dst string) error {
			return os.Mkdir(dst, 0o755)
		}}
	if _, err := c.dir(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := func(home, cache, path string, want bool) {
		t.Helper()
		t.Setenv("KCING_ES", "")
		t.Setenv("JAVA_HOME", home)
		t.Setenv("KCING_ES_CACHE", cache)
		t.Setenv("PATH", path)
		if got, err := UseDocker(t.Context()); err != nil || got != want {
			t.Errorf("JAVA_HOME=%s KCING_ES_CACHE=%s PATH=%s: %v, %v", home, cache, path, got, err)
		}
	}
	java, old, empty := fakeJava(t, "17.0.2"), fakeJava(t, "11.0.2"), t.TempDir()
	f(java, cached, daemon, false)
	f(java, empty, daemon+":"+maven, false)
	f(java, empty, daemon, true)
	f(old, cached, daemon+":"+maven, true)
	f("", cached, daemon+":"+maven, true)
	f("", cached, empty, false)
}

// TestSweepRemovesVolumes: a killed test leaves a volume behind.
func TestSweepRemovesVolumes(t *testing.T) {
	bin, tmp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("PATH", bin)
	f := func(script, volume string, want bool) {
		t.Helper()
		dir, lock, err := tempDir()
		err = errors.Join(err, lock.Close(), os.WriteFile(filepath.Join(dir, volumeFile), []byte(volume), 0o600),
			os.WriteFile(filepath.Join(bin, "docker"), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
		if err != nil {
			t.Fatal(err)
		}
		sweep()
		if exists(dir) != want {
			t.Errorf("%s, volume %s: there is a directory %v", script, volume, !want)
		}
	}
	f("exit 0", volumePrefix+"1", false)
	f("exit 1", volumePrefix+"1", true)
	f("exit 1", "of-somebody", false) // and docker is not asked
}

func TestParseJavaVersion(t *testing.T) {
	f := func(out string, want int) {
		t.Helper()
		if got := parseJavaVersion(out); got != want {
			t.Errorf("%q: %d, want %d", out, got, want)
		}
	}
	f("openjdk version \"17.0.15\" 2025-04-15\n", 17)
	f("java version \"1.8.0_292\"\n", 8)
	f("Picked up JAVA_TOOL_OPTIONS: -Dx=1\nopenjdk version \"21\" 2023-09-19\n", 21)
	f("openjdk version \"24-ea\"\n", 24)
	f("", 0)
}

// fakeJava is a java that only tells its version.
func fakeJava(t *testing.T, version string) (home string) {
	t.Helper()
	home = t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho 'openjdk version \"%s\"' >&2\n", version)
	err := errors.Join(os.Mkdir(filepath.Join(home, "bin"), 0o755),
		os.WriteFile(filepath.Join(home, "bin", "java"), []byte(script), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	return home
}

func TestPrerequisites(t *testing.T) {
	t.Setenv("KCING_ES", "jvm")
	t.Setenv("KCING_ES_CACHE", t.TempDir())
	f := func(home, path, want string) {
		t.Helper()
		t.Setenv("JAVA_HOME", home)
		t.Setenv("PATH", path)
		_, err := Launch(t.Context(), LaunchOptions{})
		if !errors.Is(err, ErrPrerequisite) || !strings.Contains(fmt.Sprint(err), want) ||
			!strings.Contains(fmt.Sprint(err), "openjdk-17") {
			t.Errorf("JAVA_HOME=%s: %v, want %q and what to install", home, err, want)
		}
	}
	path, empty := os.Getenv("PATH"), t.TempDir()
	f("", empty, "no java")
	f(empty, path, "no java")
	f(fakeJava(t, "11.0.2"), path, "version 11")
	f(fakeJava(t, "17.0.2"), empty, "no mvn")
	if err := os.WriteFile(filepath.Join(empty, "mvn"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f(fakeJava(t, "17.0.2"), empty, "no javac")
}

// recorder is a test that does not end by Fatalf and Skipf but by a panic.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) {
	r.said = "skip: " + fmt.Sprintf(format, args...)
	panic(r)
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.said = "fatal: " + fmt.Sprintf(format, args...)
	panic(r)
}

func TestSkipOrFail(t *testing.T) {
	f := func(ci, require string, err error, want string) {
		t.Helper()
		t.Setenv("CI", ci)
		t.Setenv("KCING_REQUIRE_ELASTICSEARCH", require)
		r := &recorder{}
		func() {
			defer func() { _ = recover() }()
			GiveUp(r, err)
		}()
		if !strings.HasPrefix(r.said, want) {
			t.Errorf("CI=%q KCING_REQUIRE_ELASTICSEARCH=%q %v: %q, want %s", ci, require, err, r.said, want)
		}
	}
	missing := fmt.Errorf("%w: no java", ErrPrerequisite)
	f("", "", missing, "skip: ")
	f("true", "", missing, "fatal: ")
	f("", "1", missing, "fatal: ")
	f("", "", errEnded, "fatal: ")
}

func TestPomVersion(t *testing.T) {
	b, err := fs.ReadFile(elasticsearch.Sources, "pom.xml")
	if err != nil {
		t.Fatal(err)
	}
	if want := "<elasticsearch.version>" + Version + "<"; !strings.Contains(string(b), want) {
		t.Errorf("no %s in pom.xml", want)
	}
}
