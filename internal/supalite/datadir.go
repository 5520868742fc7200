package supalite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// dataDir is the folder of one running server, locked: two servers on one folder would destroy the database.
type dataDir struct {
	path      string
	temporary bool
	unlock    func() error
}

func openDataDir(o Options) (*dataDir, error) {
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "supalite-")
		if err != nil {
			return nil, fmt.Errorf("making a folder for the data: %w", err)
		}
		return &dataDir{path: dir, temporary: true, unlock: func() error { return nil }}, nil
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a folder for the data: %w", err)
	}
	unlock, err := tryLock(filepath.Join(o.Dir, "lock"))
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("another Supabase Lite is running on %s: stop it first, or choose another folder", o.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("locking the data: %w", err)
	}
	d := &dataDir{path: o.Dir, unlock: unlock}
	if o.Fresh {
		if err := os.RemoveAll(filepath.Join(o.Dir, "db")); err != nil {
			return nil, errors.Join(fmt.Errorf("removing earlier data: %w", err), d.close())
		}
	}
	return d, nil
}

func (d *dataDir) close() error {
	if d.temporary {
		return os.RemoveAll(d.path)
	}
	return d.unlock()
}
