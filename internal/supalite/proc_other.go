//go:build !unix

package supalite

import (
	"errors"
	"os/exec"
)

// Without process groups the children end because their standard input does.
func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

var errLocked = errors.New("locked by another process")

// Without flock nothing is locked: an installation is renamed into its place and so whole at any time, and two servers
// on one folder are the user's to avoid.
func tryLock(string) (unlock func() error, err error) { return func() error { return nil }, nil }

func waitLock(string) (unlock func() error, err error) { return func() error { return nil }, nil }
