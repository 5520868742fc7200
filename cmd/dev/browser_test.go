package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"igconnect/internal/chromium"
	"igconnect/internal/metasim"
)

var variants = []variant{
	{name: "wide", width: 1280, schemes: []string{"light", "dark"}, script: true},
	{name: "phone", width: 360, schemes: []string{"light"}, script: true},
	{name: "plain", width: 360, schemes: []string{"dark"}}, // a phone without JavaScript
}

// TestBrowser walks through everything that a person can do, in a real browser: each time on the
// whole system, with Meta and Supabase simulated. The pictures are in screenshots/.
func TestBrowser(t *testing.T) {
	browser := startChromium(t, chromium.Find(t))
	watchTargets(t, browser)
	s := startSystem(t)
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			for _, sc := range scenarios {
				if sc.needsScript && !v.script {
					continue
				}
				t.Run(sc.name, func(t *testing.T) {
					s.forget(t)
					sc.walk(openTab(t, s, browser, v))
				})
			}
		})
	}
}

// startSystem starts what go run ./cmd/dev -once starts, unless change says otherwise. The log is
// shown if the test fails.
func startSystem(t *testing.T, change ...func(*options)) *system {
	t.Helper()
	log := &keptLog{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log:\n%s", log.bytes())
		}
	})
	o := options{root: "../..", at: anyPorts, data: t.TempDir(), log: log}
	for _, f := range change {
		f(&o)
	}
	s, err := start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// forget removes what an earlier walk connected, sent and pressed, and ends its outage.
func (s *system) forget(t *testing.T) {
	t.Helper()
	noFault.inject(s)
	s.meta.Reset()
	s.serving.Lock()
	defer s.serving.Unlock()
	for _, person := range metasim.Demo() {
		s.meta.AddPerson(person)
		s.meta.RemoveApp(person.ID)
	}
	s.conversations.Clear()
	s.show(func(f *forms) { *f = forms{} })
	if _, err := s.supabase.SQL(t.Context(), `
		delete from public.user_configs;
		delete from public.instagram_events; -- what tells of connections outlives them
		delete from public.instagram_conversations`); err != nil {
		t.Fatal(err)
	}
}

// wantSaved checks the rows of the database: the user name and the status of each, in the order of
// the names.
func (b *tab) wantSaved(want ...string) {
	b.Helper()
	if got := b.system.saved(b.T, "username || ' ' || status"); !slices.Equal(got, want) {
		b.Errorf("saved are %q, want %q", got, want)
	}
}

// saved is an expression about each connection, in the order of the user names.
func (s *system) saved(t *testing.T, expression string) []string {
	t.Helper()
	rows, err := s.supabase.SQL(t.Context(), "select "+expression+" as text from public.user_configs order by username")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, row := range rows {
		all = append(all, fmt.Sprint(row["text"]))
	}
	return all
}

// controls are the roles of what a person operates.
var controls = []string{
	"button", "checkbox", "combobox", "dialog", "DisclosureTriangle", "DisclosureTriangleGrouped", "link", "listbox", "menuitem", "radio", "searchbox", "slider",
	"spinbutton", "switch", "tab", "textbox",
}

//go:embed testdata/contrast.js
var contrast string

// tooWide names what sticks out of a page of the given width.
const tooWide = `(width) => document.documentElement.scrollWidth <= width ? [] :
  [...document.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width).map((e) => e.tagName + "." + e.className)`

// page looks at the page that is open, under a name of its own: it keeps a
// picture, and checks what every page must be.
func (b *tab) page(name string) {
	b.Helper()
	b.until("loading", func(ctx context.Context) error {
		state, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.readyState"))
		if err == nil && state != "complete" {
			err = errors.New("it does not end")
		}
		return err
	})
	for _, scheme := range slices.Backward(b.schemes) { // ends with the one that was there
		b.do(colours(scheme))
		b.photograph(scheme + "-" + name)
		b.checkNone(name, "texts without contrast (AA) when "+scheme, fmt.Sprintf("(%s)(%t)", contrast, scheme == "dark"))
	}
	b.checkNone(name, "parts wider than the screen", fmt.Sprintf("(%s)(%d)", tooWide, b.width))
	b.checkNames(name)
}

// pageTitled waits for the page with that heading and looks at it.
func (b *tab) pageTitled(heading, name string) {
	b.Helper()
	b.sees("heading", heading)
	b.page(name)
}

// checkNone runs code that names the problems of a page.
func (b *tab) checkNone(where, what, code string) {
	b.Helper()
	if problems := evaluate[[]string](b, code); len(problems) > 0 {
		b.Errorf("the page %q has %s: %s", where, what, strings.Join(problems, "; "))
	}
}

// checkNames looks for controls that a screen reader could not name.
func (b *tab) checkNames(where string) {
	b.Helper()
	all, err := b.elements(b.ctx)
	if err != nil {
		b.Fatal(err)
	}
	found := 0
	for _, e := range all {
		if !slices.Contains(controls, e.role) {
			continue
		}
		if found++; strings.TrimSpace(e.name) == "" {
			b.Errorf("the page %q has a %s without a name", where, e.role)
		}
	}
	if found == 0 {
		b.Errorf("the page %q has no controls, which cannot be", where)
	}
}

// fullHeight is how high the screen must be to show the whole page. What waits
// for an answer in the middle of the screen should stay there.
const fullHeight = `document.querySelector("dialog:modal") ? innerHeight : document.documentElement.scrollHeight`

// photograph keeps a picture of the whole page.
func (b *tab) photograph(name string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	height, err := chromedp.Run(ctx, chromedp.Evaluate[int64](fullHeight))
	if err != nil {
		b.Errorf("measuring the page: %v", err)
		return
	}
	b.do(b.screen(height))
	defer b.do(b.screen(screenHeight))
	picture, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{OptimizeForSpeed: new(true)})
	if err != nil {
		b.Errorf("taking a picture: %v", err)
		return
	}
	file := filepath.Join("..", "..", "screenshots", b.variant.name+"-"+name+".png")
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, picture.Data, 0o644)); err != nil {
		b.Fatal(err)
	}
}

// wantSealed checks the cookies that hold a login's state and the grant: how
// many there are, and that no script, no other site and no later day sees them,
// nor those of logins that have ended.
func (b *tab) wantSealed(states, grants int) {
	b.Helper()
	answer, err := chromedp.CallBrowser(b.ctx, storage.GetCookies, storage.GetCookiesParams{
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
	})
	if err != nil {
		b.Fatal(err)
	}
	found := map[string]int{}
	for _, c := range answer.Cookies {
		kind, ours := strings.CutPrefix(c.Name, "igconnect_")
		if !ours {
			if !isSessionCookie(c.Name, b.system.env.cookieName()) {
				b.Errorf("there is a cookie %s, which is nobody's", c.Name)
			}
			continue
		}
		kind, _, _ = strings.Cut(kind, "_")
		found[kind]++
		if left := time.Until(time.Unix(int64(c.Expires), 0)); left <= 0 || left > 10*time.Minute {
			b.Errorf("the cookie %s lives for %v", c.Name, left)
		}
		if !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || c.Domain != "localhost" {
			b.Errorf("the cookie %s: HttpOnly %v, SameSite %s, Path %s, Domain %s", c.Name, c.HTTPOnly, c.SameSite, c.Path, c.Domain)
		}
	}
	delete(found, "ended")
	if found["state"] != states || found["grant"] != grants || len(found) > 2 {
		b.Errorf("the sealed cookies are %v, want %d of a state and %d of a grant", found, states, grants)
	}
}
