//go:build !unix

package supalite

import "os/exec"

// Without process groups the children end because their standard input does.
func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// Without flock nothing is locked: an installation is renamed into its place and so whole at any time,
// and two servers on one folder are the user's to avoid.
func lockFile(string, bool) (unlock func() error, err error) { return func() error { return nil }, nil }
