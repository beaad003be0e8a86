package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/kcing/kcing/internal/estest"
)

func (d *daemon) composeUp(ctx context.Context, port int) (url string, err error) {
	if exec.CommandContext(ctx, "docker", "compose", "version").Run() != nil {
		return "", fmt.Errorf("%w: docker compose does not run; \"apt-get install docker-compose-v2\" or "+
			"Docker's docker-compose-plugin%s",
			estest.ErrPrerequisite, estest.OtherWay)
	}
	if port == 0 {
		if port, err = estest.FreePort(); err != nil {
			return "", err
		}
	}
	cmd := d.compose(ctx, "up", "--detach", "--wait", "elasticsearch") // may pull for minutes
	cmd.Env = append(os.Environ(), "ES_PORT="+strconv.Itoa(port))
	cmd.Stdout, cmd.Stderr = d.stderr, d.stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker compose up: %w%s", err, estest.OtherWay)
	}
	return estest.LocalURL(port), nil
}

// composeURL is where this tree's container listens; "" when it does not run.
func (d *daemon) composeURL(ctx context.Context) string {
	out, err := d.compose(ctx, "port", "elasticsearch", "9200").Output()
	if address := bytes.TrimSpace(out); err == nil && len(address) > 0 {
		return "http://" + string(address)
	}
	return ""
}

// composeDown removes this tree's container, also one that ended, with its volume. found is false when there is none.
func (d *daemon) composeDown(ctx context.Context) (found bool, err error) {
	if out, err := d.compose(ctx, "ps", "--all", "--quiet").Output(); err != nil || len(out) == 0 {
		return false, nil // without Docker, too
	}
	if out, err := d.compose(ctx, "down", "--volumes").CombinedOutput(); err != nil {
		return true, fmt.Errorf("docker compose down: %w\n%s", err, out)
	}
	return true, nil
}

// compose has a project of this tree's own: what somebody started by "docker compose up" is another one.
func (d *daemon) compose(ctx context.Context, args ...string) *exec.Cmd {
	sum := sha256.Sum256([]byte(d.root))
	project := "kcing-es-" + hex.EncodeToString(sum[:4])
	args = append([]string{"compose", "--project-name", project, "--file", filepath.Join(d.root, "compose.yaml")},
		args...)
	return exec.CommandContext(ctx, "docker", args...)
}
