//go:build unix

package supalite

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// ownGroup gives cmd a process group of its own, so that its children end with it and a Ctrl-C in the terminal reaches
// them through us alone.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

func killGroup(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

var errLocked = errors.New("locked by another process")

// tryLock takes the lock of that name, which ends with the process, or returns errLocked.
func tryLock(name string) (unlock func() error, err error) {
	return flock(name, syscall.LOCK_EX|syscall.LOCK_NB)
}

// waitLock is tryLock that waits.
func waitLock(name string) (unlock func() error, err error) {
	return flock(name, syscall.LOCK_EX)
}

func flock(name string, how int) (func() error, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, err
	}
	return f.Close, nil
}
