package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// browserLimit ends a browser that hangs, and with it the test.
const browserLimit = 6 * time.Minute

// chromiumNames are what the browser is called on different systems.
var chromiumNames = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"}

// findChromium returns the path of the browser; without one the test is
// skipped, but under CI=true.
func findChromium(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("Chromium is left out under -short")
	}
	for _, name := range chromiumNames {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no Chromium: install the package chromium")
	}
	t.Skip("there is no Chromium here: install it to walk through the pages in a real browser")
	return ""
}

// startChromium starts the browser with a new profile, and sees to it that
// none of its processes is left when the test ends.
func startChromium(t *testing.T, path string) context.Context {
	t.Helper()
	profile := t.TempDir() // removed after the browser is gone
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		// It must not reach for another machine, and could not.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
		chromedp.Flag("disable-features", "MediaRouter,OptimizationHints,Translate"),
		chromedp.Flag("password-store", "basic"),
	}
	for _, name := range []string{
		"disable-background-networking", "disable-component-update", "disable-default-apps", "disable-dev-shm-usage", "disable-domain-reliability",
		"disable-extensions", "disable-gpu", "disable-quic", "disable-sync", "metrics-recording-only", "no-proxy-server",
	} {
		options = append(options, chromedp.Flag(name, true))
	}
	bounded, end := context.WithTimeout(context.Background(), browserLimit)
	allocator, stop := chromedp.NewExecAllocator(bounded, options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		cancel()
		stop() // waits until the browser is gone
		end()
		if left := running(profile, 5*time.Second); len(left) > 0 {
			t.Errorf("processes of Chromium are left: %q", left)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return ctx
}

// running returns the command lines of the processes that work on a profile,
// if there still are some after patience. It finds none where there is no
// /proc.
func running(profile string, patience time.Duration) []string {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		var found []string
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is valid
		for _, file := range files {
			// What has ended meanwhile cannot be read, nor has it a command line.
			if command, err := os.ReadFile(file); err == nil && bytes.Contains(command, []byte(profile)) {
				found = append(found, strings.ReplaceAll(string(command), "\x00", " "))
			}
		}
		if len(found) == 0 || time.Now().After(end) {
			return found
		}
	}
}

// watchTargets fails the test if the browser opens anything but its own tabs:
// nobody would watch what happens in a pop-up window or a worker.
func watchTargets(t *testing.T, chromium context.Context) {
	t.Helper()
	var w watch
	err := chromedp.ListenBrowser(chromium, func(ev any) {
		created, ok := ev.(*target.EventTargetCreated)
		if !ok {
			return
		}
		info := created.TargetInfo
		ownTab := info.URL == "about:blank" && info.OpenerID == ""
		if ownWindow := strings.HasPrefix(info.URL, "chrome://"); !ownTab && !ownWindow {
			w.complain("opened a %s at %q", info.Type, info.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, complaint := range w.complaints {
			t.Errorf("the browser %s", complaint)
		}
	})
}
