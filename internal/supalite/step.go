package supalite

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// step is a part of a start that may take its time.
type step struct {
	doing, done string
	size        func() int64 // of what there is by now, in bytes; 0 is not said; nil: nothing that has one
}

// follow tells out that the step goes on, every two seconds until end is called, and how long it
// took if it ended well.
func (s step) follow(out io.Writer) (end func(error)) {
	began, ended, quiet := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(quiet)
		for {
			select {
			case <-ended:
				return
			case <-time.After(2 * time.Second):
				fmt.Fprintf(out, "  still %s: %s\n", s.doing, s.figures(began))
			}
		}
	}()
	return func(err error) {
		close(ended)
		if <-quiet; err == nil {
			fmt.Fprintf(out, "%s: %s\n", s.done, s.figures(began))
		}
	}
}

// figures are the time since the step began and its size, as in "3.2 s, 38.7 MB".
func (s step) figures(began time.Time) string {
	text, bytes, unit := fmt.Sprintf("%.1f s", time.Since(began).Seconds()), 0.0, "kB"
	if s.size != nil {
		bytes = float64(s.size()) / 1e3
	}
	if bytes == 0 {
		return text
	}
	if bytes >= 1e3 {
		bytes, unit = bytes/1e3, "MB"
	}
	return fmt.Sprintf("%s, %.1f %s", text, bytes, unit)
}

// sizeOf returns what the files under dir hold, in bytes. Files may come and go meanwhile.
func sizeOf(dir string) (total int64) {
	_ = fs.WalkDir(os.DirFS(dir), ".", func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			if info, err := entry.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}
