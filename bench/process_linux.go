package main

import "syscall"

// withParent lets a process die with this one, however this one ends.
func withParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
