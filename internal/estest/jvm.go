package estest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kcing/kcing/tools/elasticsearch"
)

// Version is the Elasticsearch that is started, in a JVM and in a container alike.
const Version = "8.19.21"

const (
	minJava       = 17
	defaultHeap   = "512m"
	launcherClass = "kcing.estest.launcher.Launcher"
	archiveName   = "classes.jsa"
	installJava   = `"apt-get install openjdk-17-jdk-headless maven"`
	installHint   = installJava + ", or start a Docker daemon"
)

// ErrPrerequisite means that Java or Maven is missing; the message around it names what to install.
var ErrPrerequisite = errors.New("missing prerequisite")

var javaVersion = regexp.MustCompile(`version "(?:1\.)?(\d+)`)

// findJava returns a java of at least version 17: that of JAVA_HOME, else the one on PATH.
func findJava(ctx context.Context) (string, error) {
	java := "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java = filepath.Join(home, "bin", "java")
	}
	path, err := exec.LookPath(java)
	if err != nil {
		return "", fmt.Errorf("%w: no java (17 or newer) found, install with %s", ErrPrerequisite, installHint)
	}
	out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s -version: %w: %s", path, err, out)
	}
	if v := parseJavaVersion(string(out)); v < minJava {
		return "", fmt.Errorf("%w: %s is version %d, 17 or newer is needed, install with %s", ErrPrerequisite, path, v,
			installHint)
	}
	return path, nil
}

// parseJavaVersion reads what java -version prints: 8 for "1.8.0_292", 17 for "17.0.15", 0 when there is none.
func parseJavaVersion(out string) int {
	m := javaVersion.FindStringSubmatch(out)
	if m == nil {
		return 0
	}
	v, _ := strconv.Atoi(m[1])
	return v
}

// javaServes returns nil when a server can run in a JVM: it is built, or Maven is there to build it.
func javaServes(ctx context.Context) error {
	java, err := findJava(ctx)
	if err != nil {
		return err
	}
	if c, err := serverCache(); err == nil && c.filled() {
		return nil
	}
	_, err = findMaven(java)
	return err
}

func serverCache() (*cache, error) {
	base, err := cacheBase()
	return &cache{base: base, sources: elasticsearch.Sources}, err
}

// serverFolder returns the folder with the server's jars, built by Maven when it is not in the cache.
func serverFolder(ctx context.Context, java string, progress io.Writer) (string, error) {
	c, err := serverCache()
	if err != nil {
		return "", err
	}
	c.build = func(ctx context.Context, sources fs.FS, dst string) error {
		mvn, err := findMaven(java)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(progress, "building Elasticsearch %s in %s (once; downloads about 40 MB)\n", Version, c.base)
		if err := mavenBuild(ctx, mvn, sources, dst, progress); err != nil {
			return err
		}
		_ = archiveClasses(ctx, java, dst) // without the archive a start takes 3.0 s instead of 1.6, and that is all
		return nil
	}
	return c.dir(ctx)
}

// findMaven returns mvn; it needs the compiler of java's JDK.
func findMaven(java string) (string, error) {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("%w: no mvn (Maven) found to build the test server, install with %s", ErrPrerequisite,
			installHint)
	}
	if _, err := exec.LookPath(filepath.Join(filepath.Dir(java), "javac")); err != nil {
		if _, err := exec.LookPath("javac"); err != nil {
			return "", fmt.Errorf("%w: no javac (a JDK, not only a JRE) found to build the test server, install with %s", ErrPrerequisite, installHint)
		}
	}
	return mvn, nil
}

// everyTenSeconds lets a long step say that it lives, until stop is called.
func everyTenSeconds(say func(took time.Duration)) (stop func()) {
	done := make(chan struct{})
	var saying sync.WaitGroup
	saying.Go(func() {
		const every = 10 * time.Second
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for took := every; ; took += every {
			select {
			case <-ticker.C:
				say(took)
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		saying.Wait()
	}
}

// mavenBuild downloads the jars, compiles the launcher and makes the folder dst.
func mavenBuild(ctx context.Context, mvn string, sources fs.FS, dst string, progress io.Writer) error {
	src := filepath.Join(filepath.Dir(dst), "src")
	if err := os.CopyFS(src, sources); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mvn, "-B", "-q", "-Dstyle.color=never", "-f", filepath.Join(src, "pom.xml"),
		"package")
	cmd.Dir = src
	cmd.SysProcAttr = owned()
	stop := everyTenSeconds(func(took time.Duration) {
		_, _ = fmt.Fprintf(progress, "still downloading and building (%v)\n", took)
	})
	out, err := cmd.CombinedOutput()
	stop()
	if err != nil {
		return fmt.Errorf("building Elasticsearch by Maven (the first time it needs the network; KCING_ES=docker "+
			"takes a container instead): %w\n%s", err, out)
	}
	if err := os.Rename(filepath.Join(src, "target", "dist"), dst); err != nil {
		return err
	}
	for _, d := range []string{"config", "plugins", "lib"} { // the server refuses to start without plugins
		if err := os.MkdirAll(filepath.Join(dst, "home", d), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// archiveClasses runs the server once and keeps the classes it loaded (Java's AppCDS).
func archiveClasses(ctx context.Context, java, folder string) error {
	data, err := os.MkdirTemp(filepath.Dir(folder), "train-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	j := &jvm{java: java, folder: folder, dir: data, owned: true,
		flags: []string{"-XX:ArchiveClassesAtExit=" + filepath.Join(folder, archiveName)}}
	s := &Server{runner: j, dir: data}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := s.start(ctx); err != nil {
		return err
	}
	s.stop(time.Minute)
	return nil
}

// jvm runs a server as a Java process. dir gets data/, logs/, tmp/ and elasticsearch.log.
type jvm struct {
	java, folder, dir string
	heap              string // "" is 512m
	settings          map[string]string
	flags             []string
	owned             bool // ends with this process
	quick             bool // starts sooner, runs slower: only the first compiler
}

func (j *jvm) prepare() error {
	for _, d := range []string{"data", "logs", "tmp"} {
		if err := os.MkdirAll(filepath.Join(j.dir, d), 0o755); err != nil {
			return err
		}
	}
	err := os.Remove(j.portsFile()) // else the last run's would be read
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (j *jvm) portsFile() string { return filepath.Join(j.dir, "logs", "http.ports") }

// command returns the Java command. Port 0 lets the server choose.
func (j *jvm) command(port int) (*exec.Cmd, error) {
	if err := j.prepare(); err != nil {
		return nil, err
	}
	classPath, err := j.classPath()
	if err != nil {
		return nil, err
	}
	args := slices.Concat(j.javaFlags(), j.flags, []string{"-cp", classPath, launcherClass,
		filepath.Join(j.folder, "home")})
	settings := j.allSettings(port)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, name+"="+settings[name])
	}
	cmd := exec.Command(j.java, args...)
	cmd.Dir = j.folder
	return cmd, nil
}

// classPath is sorted and relative: Java uses the class archive only when the class path is the one of its making,
// and the folder is renamed after that.
func (j *jvm) classPath() (string, error) {
	jars, err := filepath.Glob(filepath.Join(j.folder, "classpath", "*.jar"))
	if err != nil || len(jars) == 0 {
		return "", fmt.Errorf("no jars in %s: delete that folder to build it anew",
			filepath.Join(j.folder, "classpath"))
	}
	for i, jar := range jars {
		jars[i] = filepath.Join("classpath", filepath.Base(jar))
	}
	slices.Sort(jars)
	return strings.Join(jars, string(os.PathListSeparator)), nil
}

func (j *jvm) javaFlags() []string {
	heap := cmp.Or(j.heap, defaultHeap)
	tmp := filepath.Join(j.dir, "tmp")
	flags := []string{
		"-Xms" + heap, "-Xmx" + heap,
		// What is nested a thousand deep is for Elasticsearch to refuse. In a JVM that
		// has not compiled its parser yet that takes more stack than a thread has by
		// default: the thread dies, and the request gets no answer at all.
		"-Xss4m",
		"-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError",
		"-XX:ErrorFile=" + filepath.Join(j.dir, "hs_err.log"),
		"-Dfile.encoding=UTF-8", "-Djava.awt.headless=true", "-Dlog4j2.disable.jmx=true",
		"-Djava.locale.providers=SPI,COMPAT", // as Elasticsearch's own start script does: the names in dates
		"-Dio.netty.allocator.numDirectArenas=0",
		"-Djava.io.tmpdir=" + tmp, "-Djna.tmpdir=" + tmp,
	}
	if j.owned {
		flags = append(flags, "-Dkcing.owner=stdin")
	}
	if j.quick {
		flags = append(flags, "-XX:TieredStopAtLevel=1")
	}
	if archive := filepath.Join(j.folder, archiveName); len(j.flags) == 0 && exists(archive) {
		flags = append(flags, "-XX:SharedArchiveFile="+archive, "-Xlog:disable", "-Xlog:all=error:stderr")
	}
	return flags
}

func (j *jvm) allSettings(port int) map[string]string {
	s := map[string]string{
		"cluster.name":   "kcing-test",
		"discovery.type": "single-node",
		"logger.level":   "INFO",
		"network.host":   "127.0.0.1",
		"node.name":      "kcing-test",
		"node.portsfile": "true",
		"path.data":      filepath.Join(j.dir, "data"),
		"path.logs":      filepath.Join(j.dir, "logs"),
		"transport.port": "0",
		// A nearly full disk must not make the indices of a test read-only.
		"cluster.routing.allocation.disk.threshold_enabled": "false",
		// With the serial collector the heap is full of what is garbage already,
		// and the breaker would answer 429 to searches and deletions of tests.
		"indices.breaker.total.use_real_memory": "false",
	}
	maps.Copy(s, j.settings)
	s["http.port"] = strconv.Itoa(port)
	return s
}

// port reads what the server wrote after it began to listen: one address a line. ok is false before that.
func (j *jvm) port() (port int, ok bool) {
	b, err := os.ReadFile(j.portsFile())
	if err != nil {
		return 0, false
	}
	line, _, _ := strings.Cut(string(b), "\n")
	i := strings.LastIndexByte(line, ':')
	port, err = strconv.Atoi(strings.TrimSpace(line[i+1:]))
	return port, err == nil
}

func (j *jvm) kill(p *os.Process) error { return p.Kill() }

func (j *jvm) terminate(p *os.Process) error { return terminate(p) }

func (j *jvm) remove() error { return nil }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
