package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"igconnect/internal/metasim"
	"igconnect/internal/vercelsim"
)

// runOnce starts the system with simulators, on free ports and without leaving data behind,
// connects an account as a browser would, and has a message to it answered.
func runOnce(ctx context.Context) error {
	root, err := vercelsim.FindRoot()
	if err != nil {
		return err
	}
	begin := time.Now()
	w := &walk{browser: newBrowser(), stepBegan: begin}
	log := &keptLog{shown: os.Stderr}
	w.system, err = start(ctx, options{root: root, addr: "localhost:0", log: log})
	if err != nil {
		return err
	}
	defer w.close()
	w.report("started: %s, with Meta and Supabase simulated", w.url)
	for _, part := range []func(context.Context) error{w.connect, w.checkRow, w.checkLookUp, w.checkInbox} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	if err := w.checkLeaks(ctx, log.bytes()); err != nil {
		return err
	}
	fmt.Printf("\nThe account is connected, its token sealed, and its message answered. All of it took %.1f s.\n",
		time.Since(begin).Seconds())
	return nil
}

// walk is one person's way through a connection, in steps.
type walk struct {
	*system
	browser     *browser
	stepBegan   time.Time
	instagramID string
	mid         string // of the message to it
	err         error  // of a visit: those after it are left out
}

// report prints what a step did and how long it took. The next step begins.
func (w *walk) report(format string, args ...any) {
	fmt.Printf("%7d ms  %s\n", time.Since(w.stepBegan).Milliseconds(), fmt.Sprintf(format, args...))
	w.stepBegan = time.Now()
}

// connect goes from the landing page to Meta's dialog and back.
func (w *walk) connect(ctx context.Context) error {
	w.stepBegan = time.Now()
	w.visit(ctx, "the landing page", w.url+"/", nil, http.StatusOK)
	signIn := w.visit(ctx, "asked to connect without a session: sent to sign in", w.url+"/api/login?return_to=/", nil, http.StatusFound)
	w.visit(ctx, "the sign-in page", signIn, nil, http.StatusOK)
	form := url.Values{"email": {demoUsers[0].Email}, "return_to": {query(signIn, "return_to")}}
	login := w.visit(ctx, "signed in as "+demoUsers[0].Email, w.url+"/dev/sign-in", form, http.StatusSeeOther)
	dialog := w.visit(ctx, "asked to connect again: sent to Meta's dialog", login, nil, http.StatusFound)
	if w.err != nil {
		return w.err
	}
	callback, err := w.meta.Approve(ctx, dialog, metasim.Approval{})
	if err != nil {
		return fmt.Errorf("approving: %w", err)
	}
	w.report("approved everything in the dialog")
	landed := w.visit(ctx, "came back to /api/auth/callback: token exchanged, upgraded and saved", callback, nil, http.StatusSeeOther)
	if w.instagramID = query(landed, "connected"); w.err == nil && w.instagramID == "" {
		return fmt.Errorf("returning: %s names no connected account", landed)
	}
	w.visit(ctx, "landed on "+strings.TrimPrefix(landed, w.origin), landed, nil, http.StatusOK)
	return w.err
}

// visit fetches a page as a step of its own, or submits a form, and returns where a redirect
// leads. The status must be want. After an error, which is in w.err, it does nothing.
func (w *walk) visit(ctx context.Context, step, target string, form url.Values, want int) (next string) {
	if w.err != nil {
		return ""
	}
	res, body, err := w.browser.visit(ctx, target, form)
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("status %d %s instead of %d\n%s", res.StatusCode, res.Header.Get("X-Error-Code"), want, body)
	}
	if err == nil && want != http.StatusOK {
		var location *url.URL
		if location, err = res.Location(); err == nil {
			next = location.String()
		}
	}
	if err != nil {
		w.err = fmt.Errorf("%s: %w", step, err)
		return ""
	}
	w.report("%s", step)
	return next
}

// query is a parameter of an address, "" if it has none.
func query(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}
