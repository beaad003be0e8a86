package packaging_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestDebUnderSystemd installs the package on this machine's system, as a copy that is thrown away (an overlay in
// memory), booted by systemd-nspawn without a network: kcing serve has to run, take a post, be reloaded, survive an
// upgrade, and go without a trace but its data.
func TestDebUnderSystemd(t *testing.T) {
	deb := built(t, "kcing_*_"+runtime.GOARCH+".deb")
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	tool(t, "systemd-nspawn", "systemd-container")
	tool(t, "dpkg", "dpkg")
	root := copyOfThisSystem(t)
	script, err := os.ReadFile("testdata/install.sh")
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := os.ReadFile(deb)
	if err != nil {
		t.Fatal(err)
	}
	unit := "[Unit]\nRequires=basic.target dbus.socket\nAfter=basic.target dbus.socket\n" +
		"[Service]\nType=oneshot\nExecStart=/bin/sh " +
		"/root/install.sh\nStandardOutput=append:/root/said\nStandardError=inherit\n" +
		"ExecStopPost=/bin/systemctl --no-block poweroff\nTimeoutStartSec=300\n"
	for name, text := range map[string][]byte{
		"root/kcing.deb": pkg, "root/install.sh": script, "etc/systemd/system/kcing-test.service": []byte(unit),
	} {
		if err := os.WriteFile(filepath.Join(root, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var console bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "systemd-nspawn", "--quiet", "--register=no", "--keep-unit",
		"--private-network",
		"--machine=kcing-test", "--link-journal=no", "--directory="+root, "--boot", "systemd.unit=kcing-test.service")
	cmd.Stdout, cmd.Stderr = &console, &console
	runErr := cmd.Run()
	said, err := os.ReadFile(filepath.Join(root, "root/said"))
	if err != nil || !strings.HasSuffix(string(said), "\ndone\n") {
		t.Fatalf("systemd-nspawn: %v; the script ended early: %v\n%s\nconsole:\n%s", runErr, err, said,
			tail(console.Bytes()))
	}
	for line := range strings.Lines(string(said)) {
		if strings.HasPrefix(line, "WRONG") {
			t.Error(strings.TrimSpace(line))
		}
	}
	t.Logf("%s", said)
}

func tail(b []byte) []byte { return b[max(0, len(b)-4000):] }

// copyOfThisSystem mounts an overlay over / whose changes are in memory, until the test ends.
func copyOfThisSystem(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "kcing-package-") //nolint:usetesting // it must not delete what is mounted there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	mount := func(source, target, kind, data string) {
		t.Helper()
		if err := syscall.Mount(source, target, kind, 0, data); err != nil {
			t.Skipf("cannot mount %s here: %v", kind, err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(target, syscall.MNT_DETACH); err != nil {
				t.Errorf("unmounting %s: %v", target, err)
			}
		})
	}
	mount("tmpfs", dir, "tmpfs", "size=2g")
	upper, work, root := filepath.Join(dir, "upper"), filepath.Join(dir, "work"), filepath.Join(dir, "root")
	for _, d := range []string{upper, work, root} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mount("overlay", root, "overlay", "lowerdir=/,upperdir="+upper+",workdir="+work)
	return root
}
