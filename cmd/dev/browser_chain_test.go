package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"igconnect/internal/chromium"
	"igconnect/internal/deploytest"
)

// TestBrowserFormLeadsOn: Chromium applies the form-action of a page to each redirect that follows its
// form. An app that sends its people on to another origin, for their language or to sign in, made
// Connect look dead, though all was saved. The page at which the form ends now leads there.
func TestBrowserFormLeadsOn(t *testing.T) {
	browser := startChromium(t, chromium.Find(t))
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><title>Home</title><link rel="icon" href="data:,"><h1>You are home</h1>`))
	}))
	t.Cleanup(home.Close)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, home.URL+r.URL.RequestURI(), http.StatusFound)
	}))
	t.Cleanup(app.Close)

	for _, v := range []variant{variants[0], variants[2]} { // with JavaScript and without
		t.Run(v.name, func(t *testing.T) {
			d := deploytest.New(t, deploytest.Options{Pages: deploytest.Brands(1, 2), Settings: map[string]string{"ALLOWED_ORIGINS": app.URL}})
			b := openTab(t, &system{at: addresses{main: d.URL}}, browser, v)
			session := d.Cookies("auth-token")[0]
			b.do(command(network.SetCookie, network.SetCookieParams{Name: session.Name, Value: session.Value, URL: d.URL}))

			// The chooser.
			b.open("/api/login?return_to=" + app.URL + "/de")
			b.press("button", "Continue")
			b.sees("heading", "Which accounts do you want to connect?")
			b.tick(true, "Brand 1…", "Brand 2…")
			b.press("button", "Connect")
			b.sees("heading", "You are home")
			b.arrives("/de?connected=" + deploytest.InstagramID(1) + "," + deploytest.InstagramID(2))

			// Back leads to what was done, and not away from it again.
			b.do(chromedp.NavigateBack())
			b.reads("That is done already")
			b.press("link", "Continue")
			b.sees("heading", "You are home")

			// Try again.
			d.Supabase.Break("save", deploytest.HTML(http.StatusBadGateway))
			b.expect(http.StatusServiceUnavailable)
			b.open("/api/login?instagram_id=" + deploytest.InstagramID(2) + "&return_to=" + app.URL + "/de")
			b.press("button", "Continue")
			b.sees("heading", "We cannot save right now")
			d.Supabase.Break("save", nil)
			b.press("button", "Try again")
			b.sees("heading", "You are home")
			b.arrives("/de?connected=" + deploytest.InstagramID(2))
		})
	}
}
