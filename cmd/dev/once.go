package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"time"

	"igconnect/internal/metasim"
)

// runOnce starts the system with simulators, on free ports and without leaving data behind,
// connects an account as a browser would, and has a message to it answered. It writes what it does.
func runOnce(ctx context.Context, out io.Writer, root, users string) error {
	begin := time.Now()
	data, err := os.MkdirTemp("", "igconnect-once-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	log := &keptLog{}
	s, err := start(ctx, options{root: root, at: anyPorts, data: data, users: users, log: io.MultiWriter(log, os.Stderr)})
	if err != nil {
		return err
	}
	defer s.close()
	w := newWalk(s, begin)
	w.out = out
	w.report("started: %s, with Meta and Supabase simulated, users by %s", w.at.main, s.usersLine())
	for _, part := range []func(context.Context) error{w.connect, w.checkRow, w.checkLookUp, w.checkInbox} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	if err := w.checkLeaks(ctx, log.bytes()); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nThe account is connected, its token sealed, and its message answered. All of it took %.1f s.\n", time.Since(begin).Seconds())
	return nil
}

// anyPorts are free ones.
var anyPorts = addresses{main: "localhost:0", supabase: "127.0.0.1:0", meta: "localhost:0"}

// walk is one person's way through a connection, in steps.
type walk struct {
	*system
	out         io.Writer
	user        string // e-mail address or, of a user of the simulated app, the id
	browser     *http.Client
	responses   []output // that the browser got, with the cookies that they set
	stepBegan   time.Time
	instagramID string
	mid         string // of the message to it
	page        string // that the last visit showed
	err         error  // of a visit: those after it are left out
}

// newWalk begins a walk of somebody whose browser has no cookies yet and follows no redirect.
func newWalk(s *system, began time.Time) *walk {
	jar, _ := cookiejar.New(nil) // never fails
	w := &walk{system: s, out: os.Stdout, user: demoUsers[0].Email, stepBegan: began, browser: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if s.played != nil {
		w.user = s.played.People[len(s.played.People)-1].ID // of all ids the one with the rarest characters
	}
	return w
}

// report prints what a step did and how long it took. The next step begins.
func (w *walk) report(format string, args ...any) {
	fmt.Fprintf(w.out, "%7d ms  %s\n", time.Since(w.stepBegan).Milliseconds(), fmt.Sprintf(format, args...))
	w.stepBegan = time.Now()
}

// connect goes from the page with the button to Meta's dialog and back.
func (w *walk) connect(ctx context.Context) error {
	name, home := "the landing page", w.at.main+"/"
	if w.played != nil {
		name, home = "the app's page", w.at.main+appPath+"/"
	}
	w.visit(ctx, name, home, nil, http.StatusOK)
	dialog := w.signIn(ctx, w.at.main+"/api/login?"+url.Values{"return_to": {home}}.Encode())
	if w.err != nil {
		return w.err
	}
	callback, err := w.meta.Approve(ctx, dialog, metasim.Approval{})
	if err != nil {
		return fmt.Errorf("approving: %w", err)
	}
	w.report("approved everything in the dialog")
	landed := w.visit(ctx, "came back to /api/auth/callback: token exchanged, upgraded and saved", callback, nil, http.StatusSeeOther)
	if w.instagramID = landed.Query().Get("connected"); w.err == nil && w.instagramID == "" {
		return fmt.Errorf("returning: %s names no connected account", landed)
	}
	w.visit(ctx, "landed on "+strings.TrimPrefix(landed.String(), w.origin), landed.String(), nil, http.StatusOK)
	if w.err == nil && w.played != nil && !strings.Contains(w.page, "@lindqvist.ceramics") {
		return fmt.Errorf("the app's page does not list the account:\n%s", w.page)
	}
	return w.err
}

// signIn asks to connect as nobody, signs in where that leads, and goes on from there to Meta's
// dialog, whose address it returns.
func (w *walk) signIn(ctx context.Context, login string) (dialog string) {
	vouched := w.env["VOUCH_URL"] != ""
	ask := "asked to connect without a session: sent to sign in"
	again := "asked to connect again: sent to Meta's dialog"
	if vouched {
		vouch := w.visit(ctx, "asked to connect: sent to the app, which is to vouch", login, nil, http.StatusFound)
		login = vouch.String()
		ask, again = "asked the app without a session: sent to sign in", "brought the ticket: sent to Meta's dialog"
	}
	page := w.visit(ctx, ask, login, nil, http.StatusFound)
	w.visit(ctx, "the sign-in page", page.String(), nil, http.StatusOK)
	form := url.Values{"email": {w.user}, "return_to": {page.Query().Get("return_to")}}
	if w.played != nil {
		next := cmp.Or(page.Query().Get("next"), page.Query().Get("return_to"))
		form = url.Values{"person": {w.user}, "next": {next}}
	}
	page.RawQuery = ""
	next := w.visit(ctx, "signed in as "+w.user, page.String(), form, http.StatusSeeOther)
	if vouched {
		next = w.visit(ctx, "asked the app again: sent back with its ticket", next.String(), nil, http.StatusFound)
	}
	return w.visit(ctx, again, next.String(), nil, http.StatusFound).String()
}

// visit fetches a page as a step of its own, or submits a form as a page of ours does, and returns
// where a redirect leads. The status must be want. After an error, which is in w.err, it does
// nothing.
func (w *walk) visit(ctx context.Context, step, target string, form url.Values, want int) (next *url.URL) {
	if w.err != nil {
		return &url.URL{}
	}
	method, header := http.MethodGet, map[string]string{"Accept": "text/html,*/*;q=0.8"}
	if form != nil {
		method = http.MethodPost
		header["Content-Type"], header["Origin"] = formType, w.at.main
	}
	res, body, err := ask(ctx, w.browser, method, target, header, form.Encode())
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("status %d %s instead of %d\n%s", res.StatusCode, res.Header.Get("X-Error-Code"), want, body)
	}
	if err == nil && want != http.StatusOK {
		next, err = res.Location()
	}
	if err != nil {
		w.err = fmt.Errorf("%s: %w", step, err)
		return &url.URL{}
	}
	w.page = string(body)
	if !strings.HasPrefix(res.Request.URL.Path, appPath+"/") { // the app may tell its own secrets
		w.responses = append(w.responses,
			output{"the response of " + res.Request.URL.Path, fmt.Appendf(nil, "%v\n%s", res.Header, body)})
	}
	w.report("%s", step)
	return next
}
