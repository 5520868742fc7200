package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"igconnect/internal/metasim"
	"igconnect/internal/vercelsim"
)

// runOnce starts the system with simulators, on free ports and without
// leaving data behind, connects an account as a browser would, and has a
// message to it answered.
func runOnce(ctx context.Context) error {
	root, err := vercelsim.FindRoot()
	if err != nil {
		return err
	}
	log := &keptLog{shown: os.Stderr}
	begin := time.Now()
	s, err := start(ctx, options{root: root, addr: "localhost:0", log: log})
	if err != nil {
		return err
	}
	defer s.close()
	report(begin, "started: %s, with Meta and Supabase simulated", s.url)

	w := &walk{system: s, browser: newBrowser()}
	if err := w.connect(ctx); err != nil {
		return err
	}
	if err := w.checkRow(ctx); err != nil {
		return err
	}
	if err := w.checkLookUp(ctx); err != nil {
		return err
	}
	if err := w.checkInbox(ctx); err != nil {
		return err
	}
	if err := w.checkLeaks(ctx, log.bytes()); err != nil {
		return err
	}
	fmt.Printf("\nThe account is connected, its token sealed, and its message answered. All of it took %.1f s.\n", time.Since(begin).Seconds())
	return nil
}

// report prints one step and how long it took.
func report(begin time.Time, format string, args ...any) {
	fmt.Printf("%7d ms  %s\n", time.Since(begin).Milliseconds(), fmt.Sprintf(format, args...))
}

// walk is one person's way through a connection.
type walk struct {
	*system
	browser     *browser
	instagramID string
	mid         string // of the message to it
}

// connect goes from the landing page to Meta's dialog and back.
func (w *walk) connect(ctx context.Context) error {
	if err := w.visit(ctx, "the landing page", w.url+"/", http.StatusOK, nil); err != nil {
		return err
	}
	var signIn, dialog, landed string
	login := w.url + "/api/login?return_to=/"
	if err := w.visit(ctx, "asked to connect without a session: sent to sign in", login, http.StatusFound, &signIn); err != nil {
		return err
	}
	if err := w.visit(ctx, "the sign-in page", signIn, http.StatusOK, nil); err != nil {
		return err
	}
	begin := time.Now()
	login, err := w.signIn(ctx, signIn)
	if err != nil {
		return err
	}
	report(begin, "signed in as %s", demoUsers[0].Email)
	if err := w.visit(ctx, "asked to connect again: sent to Meta's dialog", login, http.StatusFound, &dialog); err != nil {
		return err
	}
	begin = time.Now()
	callback, err := w.meta.Approve(ctx, dialog, metasim.Approval{})
	if err != nil {
		return fmt.Errorf("approving: %w", err)
	}
	report(begin, "approved everything in the dialog")
	if err := w.visit(ctx, "came back to /api/auth/callback: token exchanged, upgraded and saved", callback, http.StatusSeeOther, &landed); err != nil {
		return err
	}
	u, err := url.Parse(landed)
	if err != nil {
		return fmt.Errorf("returning: %w", err)
	}
	if w.instagramID = u.Query().Get("connected"); w.instagramID == "" {
		return fmt.Errorf("returning: %s names no connected account", landed)
	}
	return w.visit(ctx, "landed on "+u.RequestURI(), landed, http.StatusOK, nil)
}

// visit fetches a page as a step of its own. The status must be want; next is
// where a redirect leads.
func (w *walk) visit(ctx context.Context, step, target string, want int, next *string) error {
	begin := time.Now()
	res, body, err := w.browser.get(ctx, target)
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	if res.StatusCode != want {
		return fmt.Errorf("%s: status %d %s instead of %d\n%s", step, res.StatusCode, res.Header.Get("X-Error-Code"), want, body)
	}
	if next != nil {
		location, err := res.Location()
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		*next = location.String()
	}
	report(begin, "%s", step)
	return nil
}

// signIn submits the sign-in page's form and returns where that leads.
func (w *walk) signIn(ctx context.Context, page string) (string, error) {
	u, err := url.Parse(page)
	if err != nil {
		return "", fmt.Errorf("signing in: %w", err)
	}
	form := url.Values{"email": {demoUsers[0].Email}, "return_to": {u.Query().Get("return_to")}}
	res, body, err := w.browser.post(ctx, w.url+"/dev/sign-in", form)
	if err != nil {
		return "", fmt.Errorf("signing in: %w", err)
	}
	location, err := res.Location()
	if err != nil {
		return "", fmt.Errorf("signing in: status %d\n%s", res.StatusCode, body)
	}
	return location.String(), nil
}

// checkRow reads the row as the database holds it.
func (w *walk) checkRow(ctx context.Context) error {
	begin := time.Now()
	var o overview
	if err := w.connections(ctx, &o); err != nil {
		return fmt.Errorf("reading the row: %w", err)
	}
	if len(o.Connected) != 1 {
		return fmt.Errorf("reading the row: there are %d of them", len(o.Connected))
	}
	row := o.Connected[0]
	report(begin, "the row in user_configs:")
	for _, column := range o.Columns {
		fmt.Printf("%12s%-24s %s\n", "", column, row.Show(column))
	}
	switch {
	case row["instagram_id"] != w.instagramID:
		return fmt.Errorf("the row is of another account than %s", w.instagramID)
	case row["token"] != nil || row["page_token"] != nil:
		return errors.New("the row holds a token in clear")
	case row["token_sealed"] == nil || row["page_token_sealed"] == nil:
		return errors.New("the row has no sealed token")
	}
	return nil
}

// checkLookUp asks for the token with each key there is: get_instagram_token
// gives it to service_role and to nobody else.
func (w *walk) checkLookUp(ctx context.Context) error {
	user, err := w.supabase.SignIn(ctx, demoUsers[0].Email, demoPassword)
	if err != nil {
		return err
	}
	for _, as := range []struct {
		role, key, bearer string
		allowed           bool
	}{
		{"service_role", w.supabase.ServiceKey, "", true},
		{"anon", w.supabase.AnonKey, "", false},
		{"authenticated", w.supabase.AnonKey, user.AccessToken, false},
	} {
		begin := time.Now()
		status, token, err := project{w.env.supabaseURL(), as.key, as.bearer}.lookUpToken(ctx, w.instagramID)
		if err != nil {
			return fmt.Errorf("looking the token up as %s: %w", as.role, err)
		}
		switch {
		case as.allowed && !slices.Contains(w.meta.Secrets(), token):
			return fmt.Errorf("get_instagram_token answered %s with %d and not with the token that Meta issued", as.role, status)
		case !as.allowed && status != http.StatusUnauthorized && status != http.StatusForbidden:
			return fmt.Errorf("get_instagram_token answered %s with %d", as.role, status)
		case as.allowed:
			report(begin, "get_instagram_token as %s: %s… (%d characters), the one that Meta issued", as.role, token[:6], len(token))
		default:
			report(begin, "get_instagram_token as %s: refused with %d", as.role, status)
		}
	}
	return nil
}

// checkLeaks searches everything that the run left behind for the secrets
// that went through it.
func (w *walk) checkLeaks(ctx context.Context, logs []byte) error {
	begin := time.Now()
	tables, err := w.supabase.Dump(ctx)
	if err != nil {
		return err
	}
	if _, err := w.supabase.SQL(ctx, "checkpoint"); err != nil {
		return fmt.Errorf("writing the database's files: %w", err)
	}
	files, err := databaseFiles(w.supabase.DataDir)
	if err != nil {
		return fmt.Errorf("reading the database's files: %w", err)
	}
	// A search of nothing finds nothing: what is no secret must be seen.
	seen := len(leaking(map[string]string{"the account": w.instagramID}, files)) > 0 && w.seesInbox(tables, logs)
	if !seen || !strings.Contains(tables["public.user_configs"], w.instagramID) || !strings.Contains(string(logs), w.instagramID) {
		return errors.New("the search for secrets does not see the tables, their files or the logs")
	}
	haystacks := append(w.browser.haystacks(w.url), haystack{name: "the logs", content: logs})
	for name, rows := range tables {
		haystacks = append(haystacks, haystack{name: "table " + name, content: []byte(rows)})
	}
	secrets := w.secrets()
	if found := leaking(secrets, append(haystacks, files...)); len(found) > 0 {
		return fmt.Errorf("secrets stand in clear in %s", strings.Join(found, ", "))
	}
	report(begin, "none of %d secrets in %d tables, %d database files, %d responses, the cookies and %d bytes of logs",
		len(secrets), len(tables), len(files), len(w.browser.responses), len(logs))
	return nil
}
