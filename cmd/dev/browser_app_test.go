package main

import (
	"strings"
	"testing"

	"igconnect/internal/chromium"
)

// TestBrowserApp clicks through the app that -users simulates: from its sign-in to the account in
// its list. What the chooser calls the user, only a ticket says.
func TestBrowserApp(t *testing.T) {
	browser := startChromium(t, chromium.Find(t))
	for _, test := range []struct {
		users string
		variant
		named  int    // how often the chooser names the user
		behind string // what /dev/ says of the user
	}{
		{vouchUsers, variants[0], 1, "There you are signed in as user_ada."},
		{jwtUsers, variants[2], 0, "You are signed in as user_ada."},
	} {
		t.Run(test.users, func(t *testing.T) {
			s := startSystem(t, func(o *options) { o.users = test.users })
			b := openTab(t, s, browser, test.variant)
			b.open("/dev/app")
			b.reads("Nobody is signed in.")
			b.page(test.users + "-app-before")
			b.press("link", "Connect Instagram")
			b.sees("heading", "Welcome")
			b.page(test.users + "-app-sign-in")
			b.press("button", "Ada")
			b.be("Bruno Takahashi")
			b.share("Harbour Coffee", "Harbour Events")
			b.sees("heading", "Which accounts do you want to connect?")
			b.wantTimes(test.named, "You connect for Ada")
			b.page(test.users + "-app-chooser")
			b.tick(true, "Harbour Coffee…")
			b.press("button", "Connect")
			b.arrives("/dev/app/?connected=17841400011223302")
			b.reads("You are signed in as user_ada.")
			b.reads("@harbour.coffee active")
			b.page(test.users + "-app-connected")
			if got := strings.Join(s.saved(t, "user_id || ' ' || username"), "; "); got != "user_ada harbour.coffee" {
				t.Errorf("saved is %q", got)
			}

			b.open("/dev/")
			b.reads(test.behind)
			b.reads("by user_ada, as Bruno Takahashi at Facebook")
			b.page(test.users + "-app-behind")
			if test.users == vouchUsers { // the landing page can ask nobody what is connected
				b.press("link", "Landing page")
				b.press("link", "Connect Instagram")
				b.be("Ada Lindqvist")
				b.share("Lindqvist Ceramics")
				b.arrives("/")
				b.reads("Your Instagram account is connected.")
				b.page("vouch-app-landing")
				b.open("/dev/")
			}
			b.press("link", "Open the app")
			b.press("button", "Sign out")
			b.reads("Nobody is signed in.")
			b.open("/dev/")
			b.reads("Nobody is signed in")
		})
	}
}
