//go:build !unix

package estest

import (
	"context"
	"errors"
	"os"
	"syscall"
)

func acquire(context.Context, string) (*os.File, error) { return nil, errors.ErrUnsupported }

func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }

func detached() *syscall.SysProcAttr { return nil }

func terminate(p *os.Process) error { return p.Kill() }

func alive(int) bool { return false }
