//go:build !unix

package supalite

import "os/exec"

// Without process groups the children end because their standard input does.
func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
