//go:build unix

package filelock_test

import (
	"errors"
	"path/filepath"
	"testing"

	"igconnect/internal/filelock"
)

// TestLock takes a lock twice, and again after it was given back. Two locks of one process are held
// against each other as those of two are.
func TestLock(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "lock")
	unlock, err := filelock.Lock(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filelock.Lock(name); !errors.Is(err, filelock.ErrHeld) {
		t.Errorf("the second lock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = filelock.Lock(name); err != nil {
		t.Fatalf("after it was given back: %v", err)
	}
	unlock()
	if _, err := filelock.Lock(filepath.Join(name, "no-folder")); err == nil || errors.Is(err, filelock.ErrHeld) {
		t.Errorf("in a folder that is none: %v", err)
	}
}
