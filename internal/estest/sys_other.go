//go:build !unix

package estest

import (
	"os"
	"syscall"
)

func detached() *syscall.SysProcAttr { return nil }

func terminate(p *os.Process) error { return p.Kill() }

func alive(int) bool { return false }
