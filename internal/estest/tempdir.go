package estest

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

const (
	tempPattern  = "kcing-es-*"
	volumePrefix = "kcing-test-"
	volumeFile   = "volume" // names the volume of a container's data
)

// tempDir makes a temporary directory and returns the lock that marks it as in use. It also removes those whose
// owners were killed, so that they do not pile up.
func tempDir() (string, io.Closer, error) {
	sweep()
	dir, err := os.MkdirTemp("", tempPattern)
	if err != nil {
		return "", nil, err
	}
	lock := flock.New(filepath.Join(dir, "owner"))
	ok, err := lock.TryLock()
	if err == nil && !ok {
		err = errors.New("another process took the new directory " + dir)
	}
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, lock, nil
}

// sweep is best effort: a directory of another user stays.
func sweep() {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), tempPattern))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		// Without the file, which this does not make, the directory is just being made.
		lock := flock.New(filepath.Join(dir, "owner"), flock.SetFlag(os.O_RDWR))
		if ok, _ := lock.TryLock(); ok && volumeGone(dir) {
			_ = os.RemoveAll(dir)
		}
		_ = lock.Close()
	}
}

// volumeGone removes the volume that a directory names. It may be in use still, by a container that is ending.
func volumeGone(dir string) bool {
	name, err := os.ReadFile(filepath.Join(dir, volumeFile))
	if err != nil || !strings.HasPrefix(string(name), volumePrefix) { // the directory may be anybody's
		return true
	}
	return removeVolume(string(name)) == nil
}

func removeVolume(name string) error {
	return exec.Command("docker", "volume", "rm", "--force", name).Run()
}
