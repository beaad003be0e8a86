package estest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// completeFile is written last into a built folder, before the folder gets its final name.
const completeFile = "complete"

// cache keeps one built server per state of the sources: base/<first half of the sources' checksum>/.
// A change of the sources so gets a new folder, and a server running from the old one is not disturbed.
type cache struct {
	base    string
	sources fs.FS
	// build makes the folder dst (which does not exist) from the sources; it may leave rubbish beside it.
	build func(ctx context.Context, sources fs.FS, dst string) error
}

// cacheBase returns KCING_ES_CACHE, else kcing/elasticsearch-VERSION in the user's cache directory.
func cacheBase() (string, error) {
	if dir := os.Getenv("KCING_ES_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory for Elasticsearch, set KCING_ES_CACHE: %w", err)
	}
	return filepath.Join(dir, "kcing", "elasticsearch-"+Version), nil
}

// dir returns the built folder. It builds it first when it is not there; of several processes one builds and the
// others wait.
func (c *cache) dir(ctx context.Context) (string, error) {
	dir, err := c.path()
	if err != nil || complete(dir) {
		return dir, err
	}
	if err := os.MkdirAll(c.base, 0o755); err != nil {
		return "", fmt.Errorf("cannot make the cache of Elasticsearch, set KCING_ES_CACHE to another place: %w", err)
	}
	lock, err := Lock(ctx, filepath.Join(c.base, "lock"))
	if err != nil {
		return "", fmt.Errorf("waiting for the build of Elasticsearch: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if complete(dir) {
		return dir, nil
	}
	return dir, c.fill(ctx, dir)
}

// path is where the built folder is, or will be.
func (c *cache) path() (string, error) {
	sum, err := checksum(c.sources)
	if err != nil {
		return "", err
	}
	return filepath.Join(c.base, sum[:16]), nil
}

// filled reports whether the server is built.
func (c *cache) filled() bool {
	dir, err := c.path()
	return err == nil && complete(dir)
}

// fill builds beside dir and renames, so dir is there wholly or not at all. The caller holds the lock.
func (c *cache) fill(ctx context.Context, dir string) error {
	left, err := filepath.Glob(filepath.Join(c.base, "build-*"))
	if err != nil {
		return err
	}
	for _, d := range append(left, dir) { // what a killed build left
		if err := os.RemoveAll(d); err != nil {
			return err
		}
	}
	tmp, err := os.MkdirTemp(c.base, "build-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	made := filepath.Join(tmp, "out")
	if err := c.build(ctx, c.sources, made); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(made, completeFile), nil, 0o644); err != nil {
		return err
	}
	return os.Rename(made, dir)
}

// Lock takes an exclusive lock on the file path, made when missing, and waits for it until ctx ends. Closing it
// gives the lock back; so does the end of the process.
func Lock(ctx context.Context, path string) (io.Closer, error) {
	lock := flock.New(path)
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return lock, nil
}

func complete(dir string) bool { return exists(filepath.Join(dir, completeFile)) }

// checksum is over the names and contents of all files, in hexadecimal.
func checksum(sources fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(sources, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".go" {
			return err
		}
		b, err := fs.ReadFile(sources, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("reading the sources of the Elasticsearch launcher: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
