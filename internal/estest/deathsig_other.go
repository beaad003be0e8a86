//go:build !linux

package estest

import "syscall"

// owned changes nothing here: the end of its standard input ends the server.
func owned() *syscall.SysProcAttr { return nil }
