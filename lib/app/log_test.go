package app_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"igconnect/lib/app"
)

// TestLogByLevel: tried on Vercel, which showed every request as an error, because each line of
// standard error is one there. What a logger was given before holds on both ways.
func TestLogByLevel(t *testing.T) {
	t.Parallel()
	for level, failed := range map[slog.Level]bool{
		slog.LevelInfo: false, slog.LevelWarn: false, slog.LevelWarn + 3: false, slog.LevelError: true, slog.LevelError + 4: true,
	} {
		var usual, failures bytes.Buffer
		log := app.NewLog(&usual, &failures).With("a", 1).WithGroup("g")
		log.Log(t.Context(), level, "request", "b", 2)
		written, empty := &usual, &failures
		if failed {
			written, empty = empty, written
		}
		var line struct {
			Level, Msg string
			A          int
			G          struct{ B int }
		}
		if err := json.Unmarshal(written.Bytes(), &line); err != nil || empty.Len() != 0 {
			t.Errorf("%v: %v, usual %q, failures %q", level, err, &usual, &failures)
		}
		if line.Level != level.String() || line.Msg != "request" || line.A != 1 || line.G.B != 2 {
			t.Errorf("%v: %s", level, written)
		}
	}
	var usual, failures bytes.Buffer
	if app.NewLog(&usual, &failures).Debug("x"); usual.Len()+failures.Len() != 0 {
		t.Errorf("debugging is logged: %s", &usual)
	}
}
