package estest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Image is the container image of the same Elasticsearch; compose.yaml names it too.
const Image = "docker.elastic.co/elasticsearch/elasticsearch:" + Version

// UseDocker reports whether servers are to run in containers: as KCING_ES says, else when Java cannot serve and a
// daemon answers within 2 s. A daemon may answer and have neither image nor network; what Java needs can be seen.
func UseDocker(ctx context.Context) (bool, error) {
	switch v := os.Getenv("KCING_ES"); v {
	case "docker":
		return true, nil
	case "jvm":
		return false, nil
	case "":
		return javaServes(ctx) != nil && dockerAnswers(ctx), nil
	default:
		return false, fmt.Errorf("KCING_ES is %q, it must be jvm or docker", v)
	}
}

// OtherWay ends the error of a container that did not start.
const OtherWay = "; without Docker: " + installJava + ", and KCING_ES=jvm where KCING_ES is set"

func dockerAnswers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, "docker", "info").Run() == nil
}

// container runs a server by the docker command, which stays attached as our child process.
type container struct {
	name     string
	heap     string
	settings map[string]string
	used     int
}

// startScript ends the server when standard input ends, that is when the docker command is killed with its owner.
// Elasticsearch's own script needs bash too.
const startScript = `exec 3<&0; (cat <&3 >/dev/null; kill -TERM 1) & exec /bin/tini -- /usr/local/bin/docker-entrypoint.sh eswrapper`

func launchDocker(ctx context.Context, o LaunchOptions) (*Server, error) {
	id := make([]byte, 4)
	if _, err := rand.Read(id); err != nil {
		return nil, err
	}
	dir, lock, err := tempDir()
	if err != nil {
		return nil, err
	}
	port := o.Port
	if port == 0 {
		if port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	c := &container{name: volumePrefix + hex.EncodeToString(id), heap: o.Heap, settings: o.Settings}
	s := &Server{runner: c, dir: dir, tempDir: lock, container: true, portUsed: port}
	if err = os.WriteFile(filepath.Join(dir, volumeFile), []byte(c.name), 0o600); err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		_ = s.Close() // what did not start has little to remove, and the next sweep does
		return nil, fmt.Errorf("%w%s", err, OtherWay)
	}
	return s, nil
}

// args returns the arguments of docker. The data is in a volume of the container's name, so that a killed server
// can start again on it.
func (c *container) args(port int) []string {
	settings := map[string]string{
		"cluster.name":           "kcing-test",
		"discovery.type":         "single-node",
		"node.store.allow_mmap":  "false",
		"xpack.ml.enabled":       "false",
		"xpack.security.enabled": "false",
		"cluster.routing.allocation.disk.threshold_enabled": "false",
		"ingest.geoip.downloader.enabled":                   "false",
	}
	maps.Copy(settings, c.settings)
	heap := cmp.Or(c.heap, defaultHeap)
	args := []string{"run", "--rm", "-i", "--name", c.name,
		"--publish", "127.0.0.1:" + strconv.Itoa(port) + ":9200",
		"--volume", c.name + ":/usr/share/elasticsearch/data",
		"--env", "ES_JAVA_OPTS=-Xms" + heap + " -Xmx" + heap}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "--env", name+"="+settings[name])
	}
	return append(args, "--entrypoint", "/bin/bash", Image, "-c", startScript)
}

func (c *container) command(port int) (*exec.Cmd, error) {
	c.used = port
	return exec.Command("docker", c.args(port)...), nil
}

func (c *container) port() (int, bool) { return c.used, true }

func (c *container) kill(p *os.Process) error {
	if err := exec.Command("docker", "kill", c.name).Run(); err != nil {
		return p.Kill() // no such container yet: an image is being pulled
	}
	return nil
}

func (c *container) terminate(p *os.Process) error {
	if err := exec.Command("docker", "stop", c.name).Run(); err != nil {
		return p.Kill()
	}
	return nil
}

func (c *container) remove() error {
	return removeVolume(c.name)
}

// FreePort returns a port that was free a moment ago; docker needs to be told one.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
