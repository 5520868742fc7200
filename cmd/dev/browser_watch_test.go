package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// watch collects what a browser must never have to say about our pages:
// errors and warnings on its console, exceptions, violations of the
// Content-Security-Policy, and requests to another machine.
type watch struct {
	mu         sync.Mutex
	complaints []string
	expected   []int // statuses of the error pages to come
	requests   int
}

// hints are advice on speed, and no fault of a page.
var hints = []audits.InspectorIssueCode{audits.InspectorIssueCodePerformanceIssue, audits.InspectorIssueCodeLazyLoadImageIssue}

// expect announces an error page: Chromium reports its status on the console.
func (w *watch) expect(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = append(w.expected, status)
}

// event takes an event of a tab. It runs inside the reading of events, so it
// only takes notes.
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
		if slices.Contains(hints, ev.Issue.Code) {
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
