// Package filelock lets one process of this machine at a time have something, such as a folder.
package filelock

import "errors"

// ErrHeld says that another process has the lock.
var ErrHeld = errors.New("locked by another process")

// Lock takes the lock of the file of that name, which is made if it is missing and whose content is
// the caller's. The lock ends with unlock or the process. It does not wait: the error is ErrHeld
// where another process has the lock. Where the system has no flock nothing is locked.
func Lock(name string) (unlock func() error, err error) { return lock(name) }
