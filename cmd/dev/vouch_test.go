package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
)

// TestVouchExpress walks through examples/vouch/express: the app signs somebody in on the way, vouches,
// and lists the account; it disconnects it, and all of the accounts of a user who leaves.
func TestVouchExpress(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the whole system is left out under -short")
	}
	address := freeAddress(t)
	app := "http://" + address
	s := startSystem(t, func(o *options) {
		o.env = env{"VOUCH_URL": app + "/instagram/vouch", "ALLOWED_ORIGINS": app}
	})
	_, port, _ := strings.Cut(address, ":")
	server := exec.CommandContext(context.Background(), "node", "server.js")
	server.Dir = exampleOf(t, "vouch/express")
	server.Env = []string{"PATH=" + os.Getenv("PATH"), "PORT=" + port, "IGCONNECT_URL=" + s.at.main, "VOUCH_SECRET=" + s.env["VOUCH_SECRET"]}
	serve(t, server, address)

	w := newWalk(s, time.Now())
	visit := func(target string, form url.Values, want int) (next string) {
		t.Helper()
		step, _, _ := strings.Cut(target, "?")
		leads := w.visit(t.Context(), step, target, form, want)
		if w.err != nil {
			t.Fatal(w.err)
		}
		if leads != nil {
			next = leads.String()
		}
		return next
	}
	connect := func(vouch string) {
		t.Helper()
		dialog := visit(visit(vouch, nil, http.StatusFound), nil, http.StatusFound)
		callback, err := s.meta.Approve(t.Context(), dialog, metasim.Approval{})
		if err != nil {
			t.Fatal(err)
		}
		if back := visit(callback, nil, http.StatusSeeOther); !strings.HasPrefix(back, app+"/?connected=17841400011223301") {
			t.Errorf("the callback leads to %s", back)
		}
	}
	lists := func(connected bool) {
		t.Helper()
		visit(app+"/", nil, http.StatusOK)
		page := string(w.responses[len(w.responses)-1].content)
		if !strings.Contains(page, "Signed in as Ada") || strings.Contains(page, "@lindqvist.ceramics") != connected {
			t.Errorf("the app shows, with the account connected %t: %s", connected, page)
		}
	}
	login := s.at.main + "/api/login?return_to=" + url.QueryEscape(app+"/")

	visit(visit(login, nil, http.StatusFound), nil, http.StatusFound) // to sign in
	connect(visit(app+"/sign-in", url.Values{"user": {"ada"}}, http.StatusSeeOther))
	lists(true)
	visit(app+"/disconnect", url.Values{"instagram_id": {"17841400011223301"}}, http.StatusSeeOther)
	lists(false)

	connect(visit(login, nil, http.StatusFound))
	lists(true)
	visit(app+"/leave", url.Values{}, http.StatusSeeOther)
	visit(app+"/sign-in", url.Values{"user": {"ada"}}, http.StatusSeeOther)
	lists(false)
}
