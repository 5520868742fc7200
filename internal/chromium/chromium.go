// Package chromium finds the browser in which tests look at pages.
package chromium

import (
	"os"
	"os/exec"
	"testing"
)

// Find returns the path of the browser. Without one the test is skipped, but under CI=true; it is
// skipped under -short as well.
func Find(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("Chromium is left out under -short")
	}
	for _, name := range []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell",
	} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no Chromium: install the package chromium")
	}
	t.Skip("there is no Chromium here: install it to look at the pages in a real browser")
	return ""
}
