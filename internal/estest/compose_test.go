package estest

import (
	"context"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/dustin/go-humanize"

	"github.com/kcing/kcing/internal/compose"
)

const composeFile = "../../compose.yaml"

func readCompose(t *testing.T) compose.File {
	t.Helper()
	p, err := compose.Read(composeFile)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// oneShot are the services that do something and end; which commands they run
// is checked in cmd/kcing.
var oneShot = []string{"feed", "samples", "setup-es", "setup-kibana"}

func TestComposeServices(t *testing.T) {
	p := readCompose(t)
	names := slices.Sorted(maps.Keys(p.Services))
	if want := []string{"elasticsearch", "feed", "kibana", "samples", "serve", "setup-es",
		"setup-kibana"}; !slices.Equal(names, want) {
		t.Fatalf("services %v, want %v", names, want)
	}
	for name, s := range p.Services {
		ends := slices.Contains(oneShot, name)
		if checked := s.HealthCheck != nil; checked == ends {
			t.Errorf("%s: health check %v, and it ends by itself %v", name, checked, ends)
		}
		if again := s.Restart == "unless-stopped"; again == ends || ends && s.Restart != "" {
			t.Errorf("%s: restart %q, and it ends by itself %v", name, s.Restart, ends)
		}
		if s.Deploy.Resources.Limits.Memory == "" {
			t.Errorf("%s has no memory limit", name)
		}
		if ends && len(s.Ports) > 0 {
			t.Errorf("%s ends, and has ports", name)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to others than 127.0.0.1", name, port)
			}
		}
		if len(s.Volumes) == 0 {
			t.Errorf("%s keeps nothing: no volume", name)
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if _, ok := p.Volumes[source]; !ok {
				t.Errorf("%s: %s is no volume that is declared", name, v)
			}
		}
	}
}

// TestComposeBuildsOnce: services that build the same image at the same time race for its name, and a pull asks
// Docker Hub for an image that is not there.
func TestComposeBuildsOnce(t *testing.T) {
	var builds []string
	for name, s := range readCompose(t).Services {
		if s.Build != nil {
			builds = append(builds, name)
		}
		if s.Image == "kcing:local" && s.PullPolicy != "never" {
			t.Errorf("%s: pull_policy %q, want never", name, s.PullPolicy)
		}
		if _, waits := s.DependsOn["setup-es"]; s.Image == "kcing:local" && name != "setup-es" && !waits {
			t.Errorf("%s may start without the service that builds its image", name)
		}
	}
	if !slices.Equal(builds, []string{"setup-es"}) {
		t.Errorf("services %v build, want setup-es alone", builds)
	}
}

// TestComposeOrder: who needs a service waits until that is healthy, or has ended
// well, whichever it can become.
func TestComposeOrder(t *testing.T) {
	p := readCompose(t)
	for name, s := range p.Services {
		for on, d := range s.DependsOn {
			want := "service_healthy"
			if slices.Contains(oneShot, on) {
				want = "service_completed_successfully"
			}
			if d.Condition != want {
				t.Errorf("%s waits for %s: %s, want %s", name, on, d.Condition, want)
			}
			if other, ok := p.Services[on]; !ok || want == "service_healthy" && other.HealthCheck == nil {
				t.Errorf("%s waits for %s, which cannot become %s", name, on, want)
			}
		}
	}
	f := func(service, after string) {
		t.Helper()
		seen := map[string]bool{}
		var reach func(string) bool
		reach = func(name string) bool {
			if name == after {
				return true
			}
			if seen[name] {
				return false
			}
			seen[name] = true
			for next := range p.Services[name].DependsOn {
				if reach(next) {
					return true
				}
			}
			return false
		}
		if !reach(service) {
			t.Errorf("%s may start before %s", service, after)
		}
	}
	f("kibana", "elasticsearch")
	f("setup-es", "elasticsearch")
	f("setup-kibana", "kibana")
	f("serve", "setup-es") // else the first documents would make the mapping
	f("feed", "setup-es")
	f("feed", "samples")
}

// TestComposeFitsALaptop: what runs on and what runs at the start, together.
func TestComposeFitsALaptop(t *testing.T) {
	var stays, most uint64
	for name, s := range readCompose(t).Services {
		limit := memory(t, s)
		most += limit
		if !slices.Contains(oneShot, name) {
			stays += limit
		}
	}
	if stays > 4<<30 || most > 6<<30 {
		t.Errorf("limits of %d MiB, %d MiB at the start; want 4 and 6 GiB at most", stays>>20, most>>20)
	}
}

// memory is a service's limit in bytes.
func memory(t *testing.T, s compose.Service) uint64 {
	t.Helper()
	n, err := humanize.ParseBytes(strings.Replace(strings.Replace(s.Deploy.Resources.Limits.Memory, "m", "MiB", 1), "g",
		"GiB", 1))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestComposeVersions(t *testing.T) {
	p := readCompose(t)
	f := func(service, want string) {
		t.Helper()
		if got := p.Services[service].Image; got != want {
			t.Errorf("%s: image %s, want %s as in estest.Version", service, got, want)
		}
	}
	f("elasticsearch", Image)
	f("kibana", "docker.elastic.co/kibana/kibana:"+Version)
}

func TestComposeElasticsearch(t *testing.T) {
	s := readCompose(t).Services["elasticsearch"]
	f := func(name, want string) {
		t.Helper()
		if got := s.Environment[name]; got != want {
			t.Errorf("environment %s is not %q", name, want)
		}
	}
	f("discovery.type", "single-node")
	f("xpack.security.enabled", "false")
	f("node.store.allow_mmap", "false")
	f("ES_JAVA_OPTS", "-Xms1g -Xmx1g")
	if limit := memory(t, s); limit < 3<<29 {
		t.Errorf("memory limit %d: a heap of 1 GiB needs half of that on top", limit)
	}
	if len(s.Ports) != 1 || s.Ports[0] != "127.0.0.1:9200:9200" {
		t.Errorf("ports %v, want 9200 on the host", s.Ports)
	}
}

// TestComposeConfig asks Docker itself, where there is one.
func TestComposeConfig(t *testing.T) {
	if !dockerAnswers(t.Context()) {
		t.Skip("no Docker daemon answers: compose.yaml was only read")
	}
	out, err := exec.CommandContext(context.Background(), "docker", "compose", "--file", composeFile, "config",
		"--quiet").CombinedOutput()
	if err != nil {
		t.Errorf("docker compose config: %v\n%s", err, strings.TrimSpace(string(out)))
	}
}
