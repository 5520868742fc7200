package deploytest

import (
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
)

const sessionCookie = "sb-127-auth-token" // of a project on this machine

// Answer is a response with its body read.
type Answer struct {
	*http.Response
	Body string
}

// Code is the error code, "" where there is none.
func (a Answer) Code() string { return a.Header.Get("X-Error-Code") }

// Location is where the answer leads.
func (a Answer) Location() string { return a.Header.Get("Location") }

// NewBrowser is a browser with cookies that follows no redirect. Its connections are its own: a
// test server that is closed closes the idle ones of http.DefaultTransport, whoever uses them.
func NewBrowser(t testing.TB) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	jar, _ := cookiejar.New(nil) // never fails
	return &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Session is a session token of a user as Supabase Auth issues them, for what matters here.
func Session(user string) string { return SessionUntil(user, time.Unix(4102444800, 0)) }

// SessionUntil is one that ends at a time. The user need not be one.
func SessionUntil(user string, ends time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(fmt.Appendf(nil, `{"exp":%d,"sub":%q}`, ends.Unix(), user)) + "." + signature
}

const signature = "c2lnbmF0dXJl" // what the stand-in takes for Auth's own

// SessionCookie is the value of the cookie that @supabase/ssr sets for a user of the stand-in.
func SessionCookie(user string) string { return CookieOf(Session(user)) }

// CookieOf is the same for a session token.
func CookieOf(session string) string {
	return encodedSession([]byte(`{"access_token":"` + session + `","refresh_token":"r","token_type":"bearer"}`))
}

func encodedSession(session []byte) string {
	return "base64-" + base64.RawURLEncoding.EncodeToString(session)
}

// SignIn signs in as a user of the stand-in.
func (d *Deployment) SignIn(user string) {
	d.User = user
	d.SetCookie(sessionCookie, SessionCookie(user))
}

// SetCookie sets a cookie in the browser.
func (d *Deployment) SetCookie(name, value string) {
	at, _ := url.Parse(d.URL)
	d.Browser.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// Cookies are those of the browser whose names contain part.
func (d *Deployment) Cookies(part string) []*http.Cookie {
	at, _ := url.Parse(d.URL)
	return slices.DeleteFunc(d.Browser.Jar.Cookies(at), func(c *http.Cookie) bool { return !strings.Contains(c.Name, part) })
}

// Do sends a request by the browser.
func (d *Deployment) Do(request *http.Request) Answer {
	d.T.Helper()
	response, err := d.Browser.Do(request)
	if err != nil {
		d.T.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		d.T.Fatal(err)
	}
	return Answer{response, string(body)}
}

// Send sends a request with the given headers and body to a path of the deployment, or to an
// absolute URL. The header Host is the name to come by.
func (d *Deployment) Send(method, path string, header map[string]string, body string) Answer {
	d.T.Helper()
	if strings.HasPrefix(path, "/") {
		path = d.URL + path
	}
	request, err := http.NewRequestWithContext(d.T.Context(), method, path, strings.NewReader(body))
	if err != nil {
		d.T.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	if host := header["Host"]; host != "" {
		request.Host = host
		for _, cookie := range d.Cookies("") { // net/http chooses them by this name
			request.AddCookie(cookie)
		}
	}
	return d.Do(request)
}

// Get visits a path of the deployment, or an absolute URL, as a browser does.
func (d *Deployment) Get(path string) Answer {
	d.T.Helper()
	return d.Send(http.MethodGet, path, map[string]string{"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, "")
}

// Post submits a form of our own pages.
func (d *Deployment) Post(path string, form url.Values) Answer {
	d.T.Helper()
	return d.Send(http.MethodPost, path, map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html", "Origin": d.URL,
	}, form.Encode())
}

var flowField = regexp.MustCompile(`name="flow" value="([0-9a-f]+)"`)

// Submit submits the form for /api/choose of a page, the chooser or an error, with these fields
// besides the flow.
func (d *Deployment) Submit(page Answer, form url.Values) Answer {
	d.T.Helper()
	flow := flowField.FindStringSubmatch(page.Body)
	if flow == nil || !strings.Contains(page.Body, `action="/api/choose"`) {
		d.T.Fatalf("no form: %s", page.Body)
	}
	submitted := url.Values{"flow": {flow[1]}}
	maps.Copy(submitted, form)
	return d.Post("/api/choose", submitted)
}

// Renew runs the daily job.
func (d *Deployment) Renew() Answer {
	d.T.Helper()
	return d.Send(http.MethodGet, "/api/renew", map[string]string{"Authorization": "Bearer " + CronSecret}, "")
}

// LogIn goes to /api/login and on to the dialog, answers it, and returns the address of the
// callback to which Meta sends the browser.
func (d *Deployment) LogIn(query string, approval metasim.Approval) (callback string) {
	d.T.Helper()
	begun := d.Get("/api/login" + query)
	if begun.StatusCode != http.StatusFound {
		d.T.Fatalf("login answered %d %s: %s", begun.StatusCode, begun.Code(), begun.Body)
	}
	callback, err := d.Meta.Approve(d.T.Context(), begun.Location(), approval)
	if err != nil {
		d.T.Fatal(err)
	}
	callback, _, _ = strings.Cut(callback, "#") // the fragment stays in the browser
	return callback
}

// ComeBack visits a callback and, where there is something to choose, goes on to the chooser.
func (d *Deployment) ComeBack(callback string) Answer {
	d.T.Helper()
	got := d.Get(callback)
	if got.StatusCode == http.StatusSeeOther && strings.HasPrefix(got.Location(), "/api/choose?flow=") {
		return d.Get(got.Location())
	}
	return got
}

// Connect walks the whole way and returns the last answer: the callback's, or the chooser.
func (d *Deployment) Connect() Answer {
	d.T.Helper()
	return d.ComeBack(d.LogIn("", metasim.Approval{}))
}

var formField = regexp.MustCompile(`name="([a-z_]+)" value="([^"]*)"`)

// Choose submits the form for /api/choose of a page with all that stands in it. Of the
// accounts it ticks those that are given, or all.
func (d *Deployment) Choose(page Answer, accounts ...string) Answer {
	d.T.Helper()
	_, form, _ := strings.Cut(page.Body, `action="/api/choose"`)
	fields := url.Values{}
	for _, field := range formField.FindAllStringSubmatch(form, -1) {
		if field[1] != "instagram_id" || accounts == nil || slices.Contains(accounts, field[2]) {
			fields.Add(field[1], field[2])
		}
	}
	return d.Submit(page, fields)
}

// ConnectAll walks the whole way, chooses all accounts where there are several, and returns the
// last answer.
func (d *Deployment) ConnectAll() Answer {
	d.T.Helper()
	got := d.Connect()
	if got.StatusCode == http.StatusOK {
		got = d.Choose(got)
	}
	if got.StatusCode != http.StatusSeeOther {
		d.T.Fatalf("connecting: %d %s\n%s", got.StatusCode, got.Code(), d.Watch.Log())
	}
	return got
}

// WantError checks an answer's status and code, and that the stand-in holds nothing.
func (d *Deployment) WantError(got Answer, status int, code string) {
	d.T.Helper()
	if got.StatusCode != status || got.Code() != code {
		d.T.Errorf("got %d %s, want %d %s\n%s\n%s", got.StatusCode, got.Code(), status, code, got.Body, d.Watch.Log())
	}
	if d.Supabase != nil && len(d.Supabase.Rows()) != 0 {
		d.T.Errorf("half saved: %v", d.Supabase.Rows())
	}
}

// WantRedirect checks that an answer sends the browser to location. After a login, 303, that must
// have a fragment, an empty one if need be: browsers take the #_=_ along that Meta adds to the
// callback's address until a redirect has its own.
func (d *Deployment) WantRedirect(got Answer, status int, location string) {
	d.T.Helper()
	if status == http.StatusSeeOther && !strings.Contains(location, "#") {
		location += "#"
	}
	if got.StatusCode != status || got.Location() != location {
		d.T.Errorf("got %d %s to %q, want %d to %q\n%s", got.StatusCode, got.Code(), got.Location(), status, location, got.Body)
	}
}

var refresh = regexp.MustCompile(`<meta http-equiv="refresh" content="0; url=([^"]*)">`)

// WantDone checks that a form's answer ends at a page of ours that leads on to location, by itself
// and by a link. location names what is connected.
func (d *Deployment) WantDone(got Answer, location string) {
	d.T.Helper()
	_, connected, _ := strings.Cut(location, "connected=")
	connected, _, _ = strings.Cut(connected, "#")
	path, query, _ := strings.Cut(got.Location(), "?")
	parameters, err := url.ParseQuery(query)
	if got.StatusCode != http.StatusSeeOther || path != "/api/choose" || parameters.Get("connected") != connected || len(parameters) != 2 || err != nil {
		d.T.Errorf("got %d %s to %q, want what is done of %q\n%s", got.StatusCode, got.Code(), got.Location(), location, got.Body)
		return
	}
	done := d.Get(got.Location())
	leads := refresh.FindStringSubmatch(done.Body)
	if done.StatusCode != http.StatusOK || leads == nil || html.UnescapeString(leads[1]) != location || !strings.Contains(done.Body, `href="`+leads[1]+`"`) {
		d.T.Errorf("the page %d leads to %q, want %q: %s", done.StatusCode, leads, location, done.Body)
	}
}

// Steps are the steps that Meta was asked for, in order of arrival.
func (d *Deployment) Steps() string {
	var steps []string
	for _, request := range d.Meta.Requests() {
		steps = append(steps, request.Step)
	}
	return strings.Join(steps, " ")
}
