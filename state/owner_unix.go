//go:build unix

package state

import (
	"os"
	"syscall"
)

// keepOwner gives the file at path the owner and mode of old, so that root may
// compact the file of a service that runs as another user.
func keepOwner(path string, old os.FileInfo) error {
	if st, ok := old.Sys().(*syscall.Stat_t); ok && os.Getuid() == 0 {
		if err := os.Chown(path, int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
	}
	return os.Chmod(path, old.Mode().Perm())
}
