package estest

import "syscall"

// owned makes a process that the kernel kills when the thread that started it ends. Unlike the end of its
// standard input this works on a process that is stopped (SIGSTOP), too.
func owned() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
