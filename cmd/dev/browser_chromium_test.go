package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// browserLimit ends a browser that hangs, and with it the test.
const browserLimit = 11 * time.Minute

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

// running returns the command lines of the processes that work on a profile, if there still are
// some after patience. It finds none where there is no /proc.
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
	w := watch{requests: 1} // those of its tabs are watched there
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
		for _, complaint := range w.verdict() {
			t.Errorf("the browser %s", complaint)
		}
	})
}

// watch collects what a browser must never have to say about our pages: errors and warnings on its
// console, exceptions, violations of the Content-Security-Policy, and requests to another machine.
type watch struct {
	mu         sync.Mutex
	complaints []string
	expected   []int // statuses of the error pages to come
	requests   int
}

// expect announces an error page: Chromium reports its status on the console.
func (w *watch) expect(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = append(w.expected, status)
}

// event takes an event of a tab. It runs inside the reading of events, so it only takes notes.
func (w *watch) event(ev any) {
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		w.request(ev.Request.URL)
	case *network.EventWebSocketCreated:
		w.complain("opened the WebSocket %s", ev.URL)
	case *log.EventEntryAdded:
		if entry := ev.Entry; (entry.Level == log.EntryLevelError || entry.Level == log.EntryLevelWarning) && !w.announced(entry) {
			w.complain("logged (%s): %s %s", entry.Source, entry.Text, entry.URL)
		}
	case *runtime.EventExceptionThrown:
		w.complain("threw %s %s", ev.ExceptionDetails.Text, asJSON(ev.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		w.complain("wrote to the console: %s %s", ev.Type, asJSON(ev.Args))
	case *audits.EventIssueAdded:
		switch ev.Issue.Code {
		case audits.InspectorIssueCodePerformanceIssue, audits.InspectorIssueCodeLazyLoadImageIssue: // no fault of a page
			return
		}
		w.complain("has an issue: %s %s", ev.Issue.Code, asJSON(ev.Issue.Details))
	}
}

// request complains about any address but those of this machine.
func (w *watch) request(address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" {
		w.complain("asked for %s", address)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests++
}

// announced takes a report of an error page off the list of those expected.
func (w *watch) announced(entry *log.Entry) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.expected, func(status int) bool {
		return entry.Source == log.EntrySourceNetwork &&
			strings.HasSuffix(entry.Text, fmt.Sprintf("status of %d (%s)", status, http.StatusText(status)))
	})
	if i < 0 {
		return false
	}
	w.expected = slices.Delete(w.expected, i, i+1)
	return true
}

func (w *watch) complain(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(w.complaints, text) {
		w.complaints = append(w.complaints, text)
	}
}

// verdict returns the complaints, and one more for a watch that slept.
func (w *watch) verdict() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := slices.Clone(w.complaints)
	if w.requests == 0 {
		found = append(found, "saw no request at all")
	}
	if len(w.expected) > 0 {
		found = append(found, fmt.Sprintf("saw no error page with the status %v", w.expected))
	}
	return found
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
