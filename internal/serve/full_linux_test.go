package serve

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/kinds"
)

// TestFullDisk: a post for which the disk has no room is told that, not that the spool
// is full, and /readyz says so until there is room. Only root may mount the small disk.
func TestFullDisk(t *testing.T) {
	r := newRig(t, nil)
	if err := syscall.Mount("kcing", r.dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(r.dir, 0); err != nil {
			t.Error(err)
		}
	})
	filler := r.dir + "/filler"
	if err := os.WriteFile(filler, make([]byte, 60<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	post := &intake.Post{Kind: kinds.LAVA, Received: time.Now(), Payload: []byte(
		`{"id":1,"lab_name":"l","status":2,"results":{},"definition":"x","log":"` + strings.Repeat("x", 30<<10) + `"}`)}
	var busy *intake.Busy
	if err := r.Accept(t.Context(), post); !errors.As(err, &busy) || !strings.Contains(busy.Reason, "disk has no room") {
		t.Errorf("answer %v", err)
	}
	if reasons := strings.Join(r.Ready(), "\n"); !strings.Contains(reasons, "no room on the disk") {
		t.Errorf("ready: %s", reasons)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if reasons := strings.Join(r.Ready(), "\n"); strings.Contains(reasons, "no room") {
		t.Errorf("with room again: %s", reasons)
	}
}
