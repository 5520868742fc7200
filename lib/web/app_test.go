package web

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"igconnect/lib/app"
)

// Functions without an App of their context share one of the environment, which
// is read once, in a process of its own here. The start is logged with the version.
func TestEnvironmentIsReadOnce(t *testing.T) {
	t.Parallel()
	const inside = "IGCONNECT_TEST_STARTS"
	if os.Getenv(inside) == "" {
		run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		run.Env = append(os.Environ(), inside+"=yes", "FB_APP_ID=1234567890")
		var log []byte
		run.Stderr = writerFunc(func(text []byte) (int, error) { log = append(log, text...); return len(text), nil })
		if output, err := run.Output(); err != nil {
			t.Fatalf("%v\n%s%s", err, output, log)
		}
		if record := recordOf(t, log); record["msg"] != "start" || record["version"] != app.Version || record["level"] != "INFO" {
			t.Errorf("%v", record)
		}
		return
	}
	first, err := appFor(t.Context())
	if err != nil || first.Config.AppID != "1234567890" {
		t.Fatalf("%v, %v", first, err)
	}
	other := &app.App{}
	for _, c := range []struct{ given, want *app.App }{{nil, first}, {other, other}, {nil, first}} {
		r := httptest.NewRequest("GET", "/", nil)
		if c.given != nil {
			r = r.WithContext(WithApp(r.Context(), c.given))
		}
		if got, err := appFor(r.Context()); got != c.want || err != nil {
			t.Errorf("%p, %v, want %p", got, err, c.want)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(text []byte) (int, error) { return w(text) }
