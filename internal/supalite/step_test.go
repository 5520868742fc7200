package supalite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// TestStep shows that nothing is silent for three seconds, and what a step says in the end.
func TestStep(t *testing.T) {
	t.Parallel()
	const ticks = "  still making it: 2.0 s\n  still making it: 4.0 s\n"
	size := int64(0)
	growing := func() int64 { size += 650_000; return size }
	for name, tt := range map[string]struct {
		step step
		err  error
		want string
	}{
		"with a size": {step{"making it", "Made it", growing}, nil,
			"  still making it: 2.0 s, 650.0 kB\n  still making it: 4.0 s, 1.3 MB\nMade it: 5.5 s, 1.9 MB\n"},
		"without a size": {step{"making it", "Made it", nil}, nil, ticks + "Made it: 5.5 s\n"},
		"nothing there":  {step{"making it", "Made it", func() int64 { return 0 }}, nil, ticks + "Made it: 5.5 s\n"},
		"with an error":  {step{"making it", "Made it", nil}, errors.New("no"), ticks},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				end := tt.step.follow(&out)
				time.Sleep(5500 * time.Millisecond)
				if end(tt.err); out.String() != tt.want {
					t.Errorf("it says\n%swant\n%s", &out, tt.want)
				}
			})
		})
	}
}

func TestSizeOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, size := range map[string]int{"a": 10, "b/c": 200} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, make([]byte, size), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if got := sizeOf(dir); got != 210 {
		t.Errorf("%d bytes, want 210", got)
	}
	if got := sizeOf(filepath.Join(dir, "nothing")); got != 0 {
		t.Errorf("a folder that is not there has %d bytes", got)
	}
}
