package estest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	tempPattern  = "kcing-es-*"
	volumePrefix = "kcing-test-"
	volumeFile   = "volume" // names the volume of a container's data
)

// tempDir makes a temporary directory and returns the lock that marks it as in use. It also removes those whose
// owners were killed, so that they do not pile up.
func tempDir() (string, *os.File, error) {
	sweep()
	dir, err := os.MkdirTemp("", tempPattern)
	if err != nil {
		return "", nil, err
	}
	lock, err := os.Create(filepath.Join(dir, "owner"))
	if err == nil {
		var ok bool
		if ok, err = tryLock(lock); err == nil && !ok {
			err = errors.New("another process took the new directory " + dir)
		}
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
		// Without the file it is just being made.
		f, err := os.OpenFile(filepath.Join(dir, "owner"), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if ok, _ := tryLock(f); ok && volumeGone(dir) {
			_ = os.RemoveAll(dir)
		}
		_ = f.Close()
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
