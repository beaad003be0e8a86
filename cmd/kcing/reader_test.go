package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mattn/go-shellwords"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kcing/kcing/internal/estest"
	"github.com/kcing/kcing/internal/maestro/maestrotest"
	"github.com/kcing/kcing/kibana/kibanatest"
	"github.com/kcing/kcing/state"
)

// reader is somebody who types the commands of one page.
type reader struct {
	t       *testing.T
	work    string
	prefix  string // of the indices; the pages have none
	env     []string
	replace *strings.Replacer // the page's addresses by those of the test
	ports   map[string]string // of kcing serve, by the page's
	serving *exec.Cmd
	aged    bool // Elasticsearch has records of other days and kernels
}

type readerKey struct{}

// newReader prepares the workplace of a page's reader.
func newReader(t *testing.T, e *testscript.Env, elasticsearch string) error {
	prefix := estest.Prefix(e.T().(testing.TB), elasticsearch)
	kibana := kibanatest.New(kibanatest.Options{})
	e.Defer(kibana.Close)
	maestro := maestrotest.New(maestrotest.Options{})
	maestroURL := maestro.Start(e.T().(testing.TB))
	for n := range 3 {
		done := time.Now().Add(-time.Hour - time.Duration(n)*time.Minute)
		maestro.Add(maestrotest.Build(n, done))
		maestro.AddJob(maestrotest.Job{N: n, Updated: done, Tests: 3, Lines: 4})
	}
	r := &reader{t: t, work: e.WorkDir, prefix: prefix, ports: map[string]string{}}
	for _, port := range []string{"8337", "8338", "8007"} {
		_, r.ports[port], _ = strings.Cut(closedPort(t), ":")
	}
	bin := filepath.Join(e.WorkDir, ".bin")
	r.env = slices.Concat(e.Vars, []string{
		"PATH=" + bin + ":" + e.Getenv("PATH"), "GORACE=" + raceOptions, "HOME=" + e.WorkDir,
		"ES_HOST=" + elasticsearch, "ES_INDEX_PREFIX=" + prefix, "KB_URL=" + kibana.URL, "KCI_API=" + maestroURL,
		"KCING_BUILD_ADDR=127.0.0.1:" + r.ports["8337"], "KCING_LAVA_ADDR=127.0.0.1:" + r.ports["8338"],
		"KCING_BOOT_ADDR=127.0.0.1:" + r.ports["8007"],
	})
	r.replace = strings.NewReplacer(
		"ES_HOST=http://localhost:9200", "ES_HOST="+elasticsearch,
		"http://localhost:9200/", elasticsearch+"/"+prefix, "http://127.0.0.1:9200/", elasticsearch+"/"+prefix,
		"http://localhost:5601", kibana.URL, "http://127.0.0.1:5601", kibana.URL,
		"/etc/kcing/", e.WorkDir+"/etc/kcing/", "/var/www/", e.WorkDir+"/www/",
	)
	e.Values[readerKey{}] = r
	e.Defer(r.stopServing)
	return r.furnish()
}

// furnish puts what the pages speak of into the working directory.
func (r *reader) furnish() error {
	at := func(names ...string) string { return filepath.Join(append([]string{r.work}, names...)...) }
	files := map[string]string{
		"etc/kcing/tokens": "lava-secret-1 lab-a\n", "tokens.txt": "lava-secret-1 lab-a\n",
		"etc/kcing/kcing.env": "DRP_DAYS=30\n",
		"www/.keep":           "", ".bin/less": "#!/bin/sh\nexec cat\n", ".bin/mail": "#!/bin/sh\nexec cat\n",
		".bin/sqlite3": "#!/bin/sh\necho build,5f0000000000000000000000,1600000000\n",
	}
	for name, text := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(at(name)), 0o755),
			os.WriteFile(at(name), []byte(text), 0o755)); err != nil {
			return err
		}
	}
	setup := `set -e
kcing samples --synthetic --sample-size 20 --samples-dir results
mkdir callbacks
cp "$(ls results/lava_* | tail -n 1)" callbacks/
cp "$(ls results/lava_* | tail -n 1)" callback.json
gzip -k callback.json
mv callback.json.gz more.json.gz
cp more.json.gz job_data.gz
`
	if out, err := r.command(setup).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	s, err := state.Open(at("kcing.db"), state.Options{})
	if err != nil {
		return err
	}
	return errors.Join(s.Commit(context.Background(), state.Batch{Rejects: []state.Reject{
		{ID: "3f9ac3d4e5f6", Kind: "lava", Source: "in/7.json", Received: time.Now(), Type: "no_results",
			Reason: "neither results nor log", Body: []byte(`{"id":7,"lab_name":"lab-a","status":2}`)},
		{ID: "b1ffc3d4e5f6", Kind: "lava", Source: "in/8.json", Received: time.Now(), Type: "no_lab",
			Reason: "the callback names no lab",
			Body:   []byte(`{"id":8,"results":{"lava":"- {name: x, result: pass}\n"}}`)},
	}}), s.Close())
}

var servePorts = regexp.MustCompile(`\b(8337|8338|8007)\b`)

// command is the line as typed, with the test's addresses.
func (r *reader) command(line string) *exec.Cmd {
	line = servePorts.ReplaceAllStringFunc(r.replace.Replace(line), func(port string) string { return r.ports[port] })
	cmd := exec.CommandContext(r.t.Context(), "bash", "-o", "pipefail", "-c", line)
	cmd.Dir, cmd.Env = r.work, r.env
	return cmd
}

// run runs the line and compares what it prints with the page.
func (r *reader) run(ts *testscript.TestScript, line, output string) error {
	if r.serving == nil && servePorts.MatchString(line) {
		if err := r.serve(ts, "kcing serve --tokens tokens.txt"); err != nil {
			return err
		}
	}
	if !r.aged && (strings.HasPrefix(line, "kcing report") || strings.HasPrefix(line, "kcing drp")) {
		if err := r.age(); err != nil {
			return err
		}
	}
	var got, errs bytes.Buffer
	cmd := r.command(line)
	cmd.Stdout, cmd.Stderr = &got, &errs
	err := cmd.Run()
	got.WriteString("\n" + errs.String())
	code := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		return err
	}
	want := 0
	for beginning, ending := range endings {
		if strings.HasPrefix(line, beginning) {
			want = ending
		}
	}
	ts.Logf("$ %s\n%s", line, &got)
	if code != want {
		return fmt.Errorf("exit code %d, want %d\n%s", code, want, &got)
	}
	if output == "" && strings.Contains(line, "curl ") && strings.Contains(got.String(), `"error"`) {
		return fmt.Errorf("it was refused: %s", &got)
	}
	return sameShape(output, strings.ReplaceAll(got.String(), r.prefix, ""))
}

// age feeds boots of two kernels, the later one of which does not boot, and one of ten days ago.
func (r *reader) age() error {
	r.aged = true
	boot := func(kernel, result string, days int) string {
		at := time.Now().UTC().AddDate(0, 0, -days).Format(time.RFC3339)
		return fmt.Sprintf(`{"id":"%s-%d","job":"example","git_branch":"master","git_describe":%[1]q,"kernel":%[1]q,"defconfig_full":"defconfig",
"arch":"arm64","board":"rk3399-rock960","lab_name":"lab-a","boot_result":%[3]q,"created_on":%[4]q}`, kernel, days, result, at)
	}
	feed := r.command("kcing feed -")
	feed.Stdin = strings.NewReader(boot("v6.8", "PASS", 10) + boot("v6.9", "PASS", 2) + boot("v6.10", "FAIL", 1))
	out, err := feed.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// serve leaves kcing serve running until the next one or the end of the page.
func (r *reader) serve(ts *testscript.TestScript, line string) error {
	r.stopServing()
	cmd := r.command("exec " + line)
	log, err := os.Create(filepath.Join(r.work, "serve.log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // only what it says counts
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	r.serving = cmd
	health := "http://127.0.0.1:" + r.ports["8338"] + "/healthz"
	for deadline := time.After(patience); ; {
		res, err := http.Get(health)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			return res.Body.Close()
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			return fmt.Errorf("it does not answer: %s", ts.ReadFile("serve.log"))
		}
	}
}

func (r *reader) stopServing() {
	if r.serving == nil {
		return
	}
	err := r.serving.Process.Signal(syscall.SIGTERM)
	if err = errors.Join(err, r.serving.Wait()); err != nil {
		r.t.Errorf("%s: %v", r.serving, err)
	}
	r.serving = nil
}

// makes checks that the Makefile has the targets.
func (r *reader) makes(line string) error {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		return err
	}
	words, err := shellwords.Parse(line)
	for _, target := range words[1:] {
		if !strings.Contains(target, "=") && !bytes.Contains(makefile, []byte("\n"+target+":")) {
			return fmt.Errorf("no target %s", target)
		}
	}
	return err
}

// parses checks each kcing of a line whose servers are not here.
func (r *reader) parses(line string) error {
	for part := range strings.SplitSeq(line, "|") {
		words, err := shellwords.Parse(part)
		if err != nil {
			return err
		}
		for len(words) > 0 && strings.Contains(words[0], "=") {
			words = words[1:]
		}
		if len(words) > 0 && words[0] == "kcing" {
			takes(r.t, words[1:])
		}
	}
	return nil
}

// inContainer checks the kcing that a line of docker runs, and that compose.yaml has its service.
func (r *reader) inContainer(line string) error {
	words, err := shellwords.Parse(line)
	if err != nil {
		return err
	}
	// as TestComposeServices
	services := []string{"elasticsearch", "feed", "kibana", "samples", "serve", "setup-es", "setup-kibana"}
	i := slices.Index(words, "/usr/local/bin/kcing")
	switch {
	case i >= 0:
	case slices.Contains(words, "compose") && slices.Contains(words, "run"):
		if i = slices.IndexFunc(words, func(w string) bool { return slices.Contains(services, w) }); i < 0 {
			return errors.New("no such service")
		}
	case words[1] == "run":
		i = lastIndex(words, "kcing") // the image, after flags such as --name kcing
	default:
		return nil
	}
	takes(r.t, words[i+1:])
	return nil
}

func lastIndex(words []string, word string) int {
	for i, w := range slices.Backward(words) {
		if w == word {
			return i
		}
	}
	return -1
}
