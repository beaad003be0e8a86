//go:build unix && !linux

package state_test

import "errors"

func mountTmpfs(string, string) error { return errors.ErrUnsupported }
func remountReadOnly(string) error    { return errors.ErrUnsupported }
func unmount(string) error            { return nil }
