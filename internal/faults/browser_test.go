package faults_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"igconnect/internal/metasim"
)

// answer is a response with its body.
type answer struct {
	*http.Response
	body string
	took time.Duration
}

func (a answer) code() string { return a.Header.Get("X-Error-Code") }

func (w *world) do(method, path string, header map[string]string, body string) answer {
	request := sure(http.NewRequestWithContext(w.ctx, method, w.process.url+path, strings.NewReader(body)))
	request.Header.Set("Accept", "text/html")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	begun := time.Now()
	response := sure(w.browser.Do(request))
	defer response.Body.Close()
	a := answer{Response: response, body: string(sure(io.ReadAll(response.Body)))}
	a.took = time.Since(begun)
	fmt.Fprintln(&w.seen, response.Status, response.Header, a.body)
	return a
}

func (w *world) get(path string) answer { return w.do("GET", path, nil, "") }

// post submits a form of our own pages.
func (w *world) post(path string, form url.Values) answer {
	return w.do("POST", path, map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Origin": w.process.url}, form.Encode())
}

// operate asks as cron and the operator do.
func (w *world) operate(path string) answer {
	return w.do("GET", path, map[string]string{"Authorization": "Bearer " + cronSecret}, "")
}

// approve begins a login, answers the dialog, and returns the path to which
// Meta sends the browser.
func (w *world) approve(approval metasim.Approval) (callback string) {
	begun := w.get("/api/login")
	if begun.StatusCode != http.StatusFound {
		must(fmt.Errorf("the login answered %d %s", begun.StatusCode, begun.code()))
	}
	callback = sure(w.meta.Approve(w.ctx, begun.Header.Get("Location"), approval))
	callback, _, _ = strings.Cut(strings.TrimPrefix(callback, w.process.url), "#")
	return callback
}

// connect connects all that the person has, as so many days ago.
func (w *world) connect(days int) {
	w.meta.Jump(time.Duration(-days) * 24 * time.Hour)
	connected := w.get(w.approve(metasim.Approval{}))
	if connected.StatusCode == http.StatusOK {
		connected = w.submit(connected)
	}
	if connected.StatusCode != http.StatusSeeOther {
		must(fmt.Errorf("connecting answered %d %s", connected.StatusCode, connected.code()))
	}
	w.meta.Jump(time.Duration(days) * 24 * time.Hour)
}

var field = regexp.MustCompile(`name="([a-z_]+)" value="([^"]*)"`)

// submit posts the form of a page for /api/choose, with everything ticked or
// only the given accounts.
func (w *world) submit(shown answer, accounts ...string) answer {
	_, form, ok := strings.Cut(shown.body, `action="/api/choose"`)
	if !ok {
		must(fmt.Errorf("the page offers no form: %d %s", shown.StatusCode, shown.code()))
	}
	values := url.Values{}
	for _, match := range field.FindAllStringSubmatch(form, -1) {
		if match[1] != "instagram_id" || accounts == nil || slices.Contains(accounts, match[2]) {
			values.Add(match[1], match[2])
		}
	}
	return w.post("/api/choose", values)
}
