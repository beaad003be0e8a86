package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/kcing/kcing/internal/estest"
)

func (d *daemon) composeUp(ctx context.Context, port int) (state, error) {
	if exec.CommandContext(ctx, "docker", "compose", "version").Run() != nil {
		return state{}, fmt.Errorf("%w: docker compose does not run; \"apt-get install docker-compose-v2\" or "+
			"Docker's docker-compose-plugin%s",
			estest.ErrPrerequisite, estest.OtherWay)
	}
	if port == 0 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return state{}, err
		}
		port = l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			return state{}, err
		}
	}
	if err := d.compose(ctx, port, "up", "--detach", "--wait", "elasticsearch"); err != nil {
		return state{}, fmt.Errorf("%w%s", err, estest.OtherWay)
	}
	return state{URL: local(port)}, nil
}

// publishes reports whether this tree's container is what listens at url.
func (d *daemon) publishes(ctx context.Context, address string) bool {
	out, err := exec.CommandContext(ctx, "docker", d.composeArgs("port", "elasticsearch", "9200")...).Output()
	u, parseErr := url.Parse(address)
	return err == nil && parseErr == nil && string(bytes.TrimSpace(out)) == u.Host
}

// compose runs docker compose on compose.yaml, which reads ES_PORT.
func (d *daemon) compose(ctx context.Context, port int, args ...string) error {
	cmd := exec.CommandContext(ctx, "docker", d.composeArgs(args...)...)
	cmd.Env = os.Environ()
	if port != 0 {
		cmd.Env = append(cmd.Env, "ES_PORT="+strconv.Itoa(port))
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = d.stderr, d.stderr
	if args[0] != "up" { // which may pull for minutes
		cmd.Stdout, cmd.Stderr = &said, &said
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("docker compose %s: %w\n%s", args[0], err, said.Bytes())
	}
	return nil
}

// composeArgs has a project of this tree's own: what somebody started by "docker compose up" is another one.
func (d *daemon) composeArgs(args ...string) []string {
	sum := sha256.Sum256([]byte(d.root))
	project := "kcing-es-" + hex.EncodeToString(sum[:4])
	return append([]string{"compose", "--project-name", project, "--file", filepath.Join(d.root, "compose.yaml")},
		args...)
}
