// Package compose reads compose.yaml for tests: what of the Compose specification
// that file uses, and nothing else, so that a slip in a key is an error. It runs
// nothing, and takes variables for unset.
package compose

import (
	"bytes"
	"fmt"
	"os"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// File is the file; its services and volumes by name.
type File struct {
	Services   map[string]Service `yaml:"services"`
	Volumes    map[string]any     `yaml:"volumes"`
	Extensions map[string]any     `yaml:",inline"` // x-…, which YAML's anchors use
}

// Service is one service; see https://docs.docker.com/reference/compose-file/services/.
type Service struct {
	Image           string                `yaml:"image"`
	PullPolicy      string                `yaml:"pull_policy"`
	Build           *Build                `yaml:"build"`
	Command         []string              `yaml:"command"`
	Environment     map[string]string     `yaml:"environment"`
	Volumes         []string              `yaml:"volumes"` // SOURCE:TARGET
	Ports           []string              `yaml:"ports"`   // IP:PUBLISHED:TARGET
	Restart         string                `yaml:"restart"`
	StopGracePeriod string                `yaml:"stop_grace_period"`
	DependsOn       map[string]Dependency `yaml:"depends_on"`
	HealthCheck     *HealthCheck          `yaml:"healthcheck"`
	Deploy          Deploy                `yaml:"deploy"`
	ReadOnly        bool                  `yaml:"read_only"`
	CapDrop         []string              `yaml:"cap_drop"`
	SecurityOpt     []string              `yaml:"security_opt"`
}

// Build is how a service's image is made.
type Build struct {
	Context string            `yaml:"context"`
	Args    map[string]string `yaml:"args"`
}

// Dependency is what a service waits for: service_healthy or
// service_completed_successfully.
type Dependency struct {
	Condition string `yaml:"condition"`
}

// HealthCheck is a service's; start_interval is left out, since it needs Engine 25.
type HealthCheck struct {
	Test        []string `yaml:"test"`
	Interval    string   `yaml:"interval"`
	Timeout     string   `yaml:"timeout"`
	Retries     int      `yaml:"retries"`
	StartPeriod string   `yaml:"start_period"`
}

// Deploy is a service's limit of memory, such as 512m.
type Deploy struct {
	Resources struct {
		Limits struct {
			Memory string `yaml:"memory"`
		} `yaml:"limits"`
	} `yaml:"resources"`
}

var variable = regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`)

// Read reads the file. A variable is its default; one without is an error.
func Read(path string) (File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return File{}, err
	}
	text = variable.ReplaceAll(text, []byte("$1"))
	if i := bytes.Index(text, []byte("${")); i >= 0 {
		return File{}, fmt.Errorf("%s: %.20s… has no default", path, text[i:])
	}
	var f File
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return File{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}
