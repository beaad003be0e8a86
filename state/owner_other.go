//go:build !unix

package state

import "os"

func keepOwner(path string, old os.FileInfo) error { return os.Chmod(path, old.Mode().Perm()) }
