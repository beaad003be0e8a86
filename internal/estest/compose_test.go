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

func TestComposeServices(t *testing.T) {
	p := loadCompose(t)
	names := p.ServiceNames()
	slices.Sort(names)
	if want := []string{"elasticsearch", "kcing", "kibana"}; !slices.Equal(names, want) {
		t.Fatalf("services %v, want %v", names, want)
	}
	oneShot := []string{"kcing"}
	for _, s := range p.Services {
		if s.HealthCheck == nil && !slices.Contains(oneShot, s.Name) {
			t.Errorf("%s has no health check", s.Name)
		}
		if s.Deploy == nil || s.Deploy.Resources.Limits == nil || s.Deploy.Resources.Limits.MemoryBytes == 0 {
			t.Errorf("%s has no memory limit", s.Name)
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
		if d, ok := s.DependsOn["elasticsearch"]; s.Name != "elasticsearch" && (!ok || d.Condition != types.ServiceConditionHealthy) {
			t.Errorf("%s does not wait for a healthy elasticsearch", s.Name)
		}
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
