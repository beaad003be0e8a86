package estest

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const composeFile = "../../compose.yaml"

func loadCompose(t *testing.T) *types.Project {
	t.Helper()
	// No environment: the defaults are what we promise.
	o, err := cli.NewProjectOptions([]string{composeFile}, cli.WithInterpolation(true), cli.WithConsistency(true))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(t.Context())
	if err != nil {
		t.Fatalf("compose.yaml: %v", err)
	}
	return p
}

// oneShot are the services that do something and end; which commands they run
// is checked in cmd/kcing.
var oneShot = []string{"feed", "samples", "setup-es", "setup-kibana"}

func TestComposeServices(t *testing.T) {
	p := loadCompose(t)
	names := p.ServiceNames()
	slices.Sort(names)
	if want := []string{"elasticsearch", "feed", "kibana", "samples", "serve", "setup-es", "setup-kibana"}; !slices.Equal(names, want) {
		t.Fatalf("services %v, want %v", names, want)
	}
	for _, s := range p.Services {
		ends := slices.Contains(oneShot, s.Name)
		if checked := s.HealthCheck != nil && !s.HealthCheck.Disable; checked == ends {
			t.Errorf("%s: health check %v, and it ends by itself %v", s.Name, checked, ends)
		}
		if again := s.Restart == types.RestartPolicyUnlessStopped; again == ends || ends && s.Restart != "" {
			t.Errorf("%s: restart %q, and it ends by itself %v", s.Name, s.Restart, ends)
		}
		if s.Deploy == nil || s.Deploy.Resources.Limits == nil || s.Deploy.Resources.Limits.MemoryBytes == 0 {
			t.Errorf("%s has no memory limit", s.Name)
		}
		if ends && len(s.Ports) > 0 {
			t.Errorf("%s ends, and has ports", s.Name)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is open on %q, want 127.0.0.1 only", s.Name, port.Published, port.HostIP)
			}
		}
		if len(s.Volumes) == 0 {
			t.Errorf("%s keeps nothing: no volume", s.Name)
		}
		for _, v := range s.Volumes {
			if _, ok := p.Volumes[v.Source]; v.Type != types.VolumeTypeVolume || !ok {
				t.Errorf("%s: %s is mounted from %s %q, want a named volume", s.Name, v.Target, v.Type, v.Source)
			}
		}
	}
}

// TestComposeBuildsOnce: services that build the same image at the same time race for its name, and a pull asks
// Docker Hub for an image that is not there.
func TestComposeBuildsOnce(t *testing.T) {
	var builds []string
	for _, s := range loadCompose(t).Services {
		if s.Build != nil {
			builds = append(builds, s.Name)
		}
		if s.Image == "kcing:local" && s.PullPolicy != types.PullPolicyNever {
			t.Errorf("%s: pull_policy %q, want never", s.Name, s.PullPolicy)
		}
		if needs := s.DependsOn["setup-es"]; s.Image == "kcing:local" && s.Name != "setup-es" && !needs.Required {
			t.Errorf("%s may start without the service that builds its image", s.Name)
		}
	}
	if !slices.Equal(builds, []string{"setup-es"}) {
		t.Errorf("services %v build, want setup-es alone", builds)
	}
}

// TestComposeRunsAnywhere: rootless and old engines refuse these.
func TestComposeRunsAnywhere(t *testing.T) {
	for _, s := range loadCompose(t).Services {
		if len(s.Ulimits) > 0 || s.Privileged || len(s.CapAdd) > 0 {
			t.Errorf("%s wants more than an unprivileged host gives", s.Name)
		}
		if s.HealthCheck != nil && s.HealthCheck.StartInterval != nil {
			t.Errorf("%s: start_interval needs Engine 25", s.Name)
		}
	}
}

// TestComposeOrder: who needs a service waits until that is healthy, or has ended
// well, whichever it can become.
func TestComposeOrder(t *testing.T) {
	p := loadCompose(t)
	for _, s := range p.Services {
		for name, d := range s.DependsOn {
			want := types.ServiceConditionHealthy
			if slices.Contains(oneShot, name) {
				want = types.ServiceConditionCompletedSuccessfully
			}
			if d.Condition != want || !d.Required {
				t.Errorf("%s waits for %s: %s, want %s", s.Name, name, d.Condition, want)
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
	var stays, most types.UnitBytes
	for _, s := range loadCompose(t).Services {
		limit := s.Deploy.Resources.Limits.MemoryBytes
		most += limit
		if !slices.Contains(oneShot, s.Name) {
			stays += limit
		}
	}
	if stays > 4<<30 || most > 6<<30 {
		t.Errorf("limits of %d MiB, %d MiB at the start; want 4 and 6 GiB at most", stays>>20, most>>20)
	}
}

func TestComposeVersions(t *testing.T) {
	p := loadCompose(t)
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
	s := loadCompose(t).Services["elasticsearch"]
	f := func(name, want string) {
		t.Helper()
		if got := s.Environment[name]; got == nil || *got != want {
			t.Errorf("environment %s is not %q", name, want)
		}
	}
	f("discovery.type", "single-node")
	f("xpack.security.enabled", "false")
	f("node.store.allow_mmap", "false")
	f("ES_JAVA_OPTS", "-Xms1g -Xmx1g")
	if limit := s.Deploy.Resources.Limits.MemoryBytes; limit < 3<<29 {
		t.Errorf("memory limit %d: a heap of 1 GiB needs half of that on top", limit)
	}
	if len(s.Ports) != 1 || s.Ports[0].Published != "9200" {
		t.Errorf("ports %v, want 9200 on the host", s.Ports)
	}
}

// TestComposeConfig asks Docker itself, where there is one.
func TestComposeConfig(t *testing.T) {
	if !dockerAnswers(t.Context()) {
		t.Skip("no Docker daemon answers: compose.yaml was checked by compose-go only")
	}
	out, err := exec.CommandContext(context.Background(), "docker", "compose", "--file", composeFile, "config", "--quiet").CombinedOutput()
	if err != nil {
		t.Errorf("docker compose config: %v\n%s", err, strings.TrimSpace(string(out)))
	}
}
