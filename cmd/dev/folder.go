package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"igconnect/internal/filelock"
)

// holderFile, in the folder of the data, is locked by the server that has it and says which that is.
const holderFile = "dev-server"

// lockData makes the folder of the data if it is missing, and keeps it for this process until
// unlock. An error says who has it.
func lockData(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, holderFile)
	unlock, err = filelock.Lock(name)
	if errors.Is(err, filelock.ErrHeld) {
		holder, _ := os.ReadFile(name) // empty for a moment, while that one starts
		return nil, fmt.Errorf("a dev server already runs on the data in %s: %s. Stop it first, or choose another "+
			"folder with -data and other ports", dir, holder)
	}
	if err != nil {
		return nil, fmt.Errorf("locking the folder for the data: %w", err)
	}
	return unlock, nil
}

// nameHolder tells others that this process has the folder, and where it answers.
func nameHolder(dir, url string) error {
	text := fmt.Appendf(nil, "process %d at %s", os.Getpid(), url)
	return os.WriteFile(filepath.Join(dir, holderFile), text, 0o600)
}
