package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"igconnect/internal/chromium"
	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

const connectScript = "../../public/igconnect/connect.js"

// appPage is a page of somebody's app. Its policy allows what it needs and nothing else.
const appPage = `<!DOCTYPE html>
<html lang="en"><head><title>Settings</title><script type="module" src="/app.js"></script></head>
<body><h1>Settings</h1><igconnect-button %s></igconnect-button></body></html>`

// appScript makes what the module gives reachable for the test.
const appScript = `
Object.assign(window, { connect, accounts, disconnect, changes: [], asked: [] });
window.confirm = (question) => asked.push(question) > 0;
window.alert = (problem) => asked.push(problem);
addEventListener("igconnect:change", (event) => changes.push(event.detail));
`

// appOf serves the page at every path that belongs to the app, and leaves the others to igconnect.
func appOf(igconnect http.Handler, policy, attributes, script string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/settings", "/done":
			w.Header().Set("Content-Security-Policy", policy+"; require-trusted-types-for 'script'")
			fmt.Fprintf(w, appPage, attributes)
		case "/app.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, script)
		default:
			igconnect.ServeHTTP(w, r)
		}
	})
}

// parts is an app that uses connect.js, in front of a deployment or on an origin of its own.
type parts struct {
	*deploytest.Deployment
	app string // the app's origin
}

// appInFront is an app on igconnect's own origin, with the session in a cookie. Its policy lets no
// form leave.
func appInFront(t *testing.T, attributes string) parts {
	script := `import { connect, accounts, disconnect } from "/igconnect/connect.js";` + appScript
	policy := "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'none'"
	d := deploytest.New(t, deploytest.Options{
		Pages:  []metasim.Page{deploytest.Brand(1)},
		Before: func(igconnect http.Handler) http.Handler { return appOf(igconnect, policy, attributes, script) },
	})
	return parts{d, d.URL}
}

// appElsewhere is an app on another origin, with the module in its own bundle and the session in its
// script. No cookie tells igconnect anything.
func appElsewhere(t *testing.T) parts {
	module, err := os.ReadFile(connectScript)
	if err != nil {
		t.Fatal(err)
	}
	var app http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { app.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	noSession := func(igconnect http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.RequestURI, "access_token") {
				t.Errorf("the session stands in the address %s", r.RequestURI)
			}
			igconnect.ServeHTTP(w, r)
		})
	}
	d := deploytest.New(t, deploytest.Options{
		Pages: []metasim.Page{deploytest.Brand(1)}, Settings: map[string]string{"ALLOWED_ORIGINS": server.URL}, Before: noSession,
	})
	policy := fmt.Sprintf("default-src 'none'; script-src 'self' %[1]s; connect-src %[1]s; form-action %[1]s %[2]s", d.URL, d.MetaURL)
	script := fmt.Sprintf("%s\n%s\nconnect.token = async () => sessionStorage.session;", module, appScript)
	app = appOf(http.NotFoundHandler(), policy, fmt.Sprintf(`base="%s" data-return-to="/done"`, d.URL), script)
	return parts{d, server.URL}
}

// visit opens a page of the app in a browser of its own. With a cookie Ada is signed in.
func (p parts) visit(t *testing.T, chromium context.Context, path string, cookie bool) *tab {
	t.Helper()
	b := openTab(t, nil, chromium, variants[0])
	if cookie {
		session := p.Cookies("sb-")[0]
		b.do(command(network.SetCookie, network.SetCookieParams{Name: session.Name, Value: session.Value, URL: p.app}))
	}
	b.do(chromedp.Navigate(p.app + path))
	return b
}

// wantAccounts waits until the element shows these accounts and no others.
func (b *tab) wantAccounts(names ...string) {
	b.Helper()
	b.until(fmt.Sprintf("looking for the accounts %q", names), func(ctx context.Context) error {
		all, err := b.elements(ctx)
		var found []string
		for _, e := range all {
			if name, ok := strings.CutPrefix(e.name, "Disconnect "); ok && e.role == "button" {
				found = append(found, name)
			}
		}
		if err == nil && !slices.Equal(found, names) {
			return fmt.Errorf("they are %q", found)
		}
		return err
	})
}

// opened waits for the one tab that this one has opened, and watches it too.
func (b *tab) opened() *tab {
	b.Helper()
	own := chromedp.FromContext(b.ctx)
	var id target.ID
	b.until("opening a tab", func(ctx context.Context) error {
		all, err := chromedp.Targets(ctx)
		for _, info := range all {
			if info.Type == "page" && info.BrowserContextID == own.BrowserContextID && info.TargetID != own.Target.TargetID {
				id = info.TargetID
				return nil
			}
		}
		return errors.Join(err, errors.New("there is none"))
	})
	other := &tab{T: b.T, variant: b.variant, watch: &watch{requests: 1}}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id), chromedp.WithListener(other.event))
	other.ctx = ctx
	b.Cleanup(func() {
		cancel()
		for _, complaint := range other.verdict() {
			b.Errorf("the new tab %s", complaint)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		b.Fatal(err)
	}
	return other
}

// wantAlone waits until the tab is the only one of its browser again.
func (b *tab) wantAlone() {
	b.Helper()
	own := chromedp.FromContext(b.ctx).BrowserContextID
	b.until("waiting for the other tab to close", func(ctx context.Context) error {
		all, err := chromedp.Targets(ctx)
		if n := len(slices.DeleteFunc(all, func(info *target.Info) bool { return info.Type != "page" || info.BrowserContextID != own })); n != 1 {
			return errors.Join(err, fmt.Errorf("there are %d tabs", n))
		}
		return err
	})
}

// wantChange waits for a change that fits a condition about its detail.
func (b *tab) wantChange(condition string) {
	b.Helper()
	b.until("waiting for a change with "+condition, func(ctx context.Context) error {
		there, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("changes.some((detail) => "+condition+")"))
		if err == nil && !there {
			return errors.New("there was none")
		}
		return err
	})
}

// await is evaluate of a promise.
func await[T any](b *tab, code string) T {
	b.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](code, func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }))
	if err != nil {
		b.Fatal(err)
	}
	return value
}

// TestParts uses connect.js and its element in a real browser, as apps do.
func TestParts(t *testing.T) {
	browser := startChromium(t, chromium.Find(t))
	for name, walk := range map[string]func(*testing.T, context.Context){
		"the same tab":              partsInTheSameTab,
		"a new tab":                 partsInANewTab,
		"a tab that cannot close":   partsInATabThatStays,
		"another origin":            partsOfAnotherOrigin,
		"what happened elsewhere":   partsLookAgain,
		"the look is the app's own": partsLookNative,
	} {
		t.Run(name, func(t *testing.T) { walk(t, browser) })
	}
}

var brand1 = deploytest.InstagramID(1)

func partsInTheSameTab(t *testing.T, chromium context.Context) {
	p := appInFront(t, `data-return-to="/done?tab=instagram#here"`)
	b := p.visit(t, chromium, "/settings", true)
	b.press("button", "Connect Instagram")
	b.press("button", "Continue")
	b.until("coming back", func(ctx context.Context) error {
		at, err := chromedp.Run(ctx, chromedp.Location())
		if want := p.app + "/done?tab=instagram&connected=" + brand1 + "#here"; err == nil && at != want {
			err = fmt.Errorf("it is %s", at)
		}
		return err
	})
	b.wantAccounts("@brand_1")
	p.Supabase.Break("delete", deploytest.HTML(http.StatusBadGateway))
	b.expect(http.StatusServiceUnavailable)
	b.press("button", "Disconnect @brand_1")
	b.until("being told", func(ctx context.Context) error {
		asked, err := chromedp.Run(ctx, chromedp.Evaluate[[]string]("asked"))
		if want := []string{"Disconnect @brand_1?", "That did not work. Please try again."}; err == nil && !slices.Equal(asked, want) {
			return fmt.Errorf("it is %q", asked)
		}
		return err
	})
	p.Supabase.Break("delete", nil)
	b.press("button", "Disconnect @brand_1")
	b.wantAccounts()
	b.wantChange(`detail.disconnected === "` + brand1 + `"`)
	if role := evaluate[string](b, "document.querySelector('igconnect-button').shadowRoot.activeElement.textContent"); role != "Connect Instagram" {
		b.Errorf("the focus is on %q", role)
	}
	if rows := p.Supabase.Rows(); len(rows) != 0 {
		b.Errorf("there are %d rows", len(rows))
	}
}

func partsInANewTab(t *testing.T, chromium context.Context) {
	p := appInFront(t, `data-target="tab" data-return-to="/done"`)
	b := p.visit(t, chromium, "/settings", true)
	for _, c := range []struct{ decision, change string }{
		{"Not now", `detail.error === "access_denied" && detail.accounts.length === 0`},
		{"Continue", `detail.connected?.[0] === "` + brand1 + `" && detail.accounts[0].username === "brand_1"`},
	} {
		b.press("button", "Connect Instagram")
		other := b.opened()
		if opener := evaluate[bool](other, "window.opener !== null"); opener {
			t.Error("the new tab has a hand on the app")
		}
		other.press("button", c.decision)
		b.wantAlone()
		b.wantChange(c.change)
	}
	b.wantAccounts("@brand_1")
	if at := evaluate[string](b, "location.pathname + location.search"); at != "/settings" {
		t.Errorf("the first tab is at %s", at)
	}
}

func partsInATabThatStays(t *testing.T, chromium context.Context) {
	p := appInFront(t, "")
	b := p.visit(t, chromium, "/settings", true)
	b.do(chromedp.Navigate(p.app + "/done?igconnect=tab&connected=1"))
	b.reads("You can close this tab.")
	b.do(chromedp.Navigate(p.app + "/done?connected=1"))
	b.sees("button", "Connect Instagram")
	b.wantTimes(0, "You can close this tab.")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = slices.DeleteFunc(b.complaints, func(c string) bool { return strings.Contains(c, "Scripts may close only the windows") })
}

func partsOfAnotherOrigin(t *testing.T, chromium context.Context) {
	p := appElsewhere(t)
	b := p.visit(t, chromium, "/settings", false)
	b.expect(http.StatusUnauthorized) // of the element, and then of accounts()
	b.expect(http.StatusUnauthorized)
	if code := await[string](b, `accounts().then(() => "none", (err) => err.code)`); code != "signed_out" {
		t.Errorf("without a session accounts() rejects with %q", code)
	}
	evaluate[string](b, "sessionStorage.session = "+asJSON(deploytest.Session(deploytest.Ada)))
	b.press("button", "Connect Instagram")
	b.sees("button", "Continue")
	b.press("button", "Continue")
	b.arrives("/done?connected=" + brand1)
	b.wantAccounts("@brand_1")
	b.press("button", "Disconnect @brand_1")
	b.wantAccounts()
	load := fmt.Sprintf("import(%q).then((module) => Object.keys(module).sort().join())", p.URL+"/igconnect/connect.js")
	if names := await[string](b, load); names != "accounts,connect,disconnect" { // a second time, from igconnect
		t.Errorf("loaded from there it exports %s", names)
	}
}

func partsLookAgain(t *testing.T, chromium context.Context) {
	p := appInFront(t, "")
	b := p.visit(t, chromium, "/settings", true)
	b.wantChange("detail.accounts.length === 0")
	for i, row := range []map[string]any{
		{"username": "<b>elsewhere</b>", "status": "reconnect"},
		{"username": "silent", "status": "active", "subscription_error": "no role"},
		{"username": "well", "status": "active"},
	} {
		row["user_id"], row["instagram_id"] = deploytest.Ada, fmt.Sprint(i)
		row["connected_at"] = fmt.Sprintf("2026-01-0%dT00:00:00Z", 9-i)
		p.Supabase.Insert(row)
	}
	const comesIntoSight = `document.dispatchEvent(new Event("visibilitychange")); true`
	evaluate[bool](b, comesIntoSight)
	b.wantAccounts("@<b>elsewhere</b>", "@silent", "@well")
	b.sees("button", "Reconnect @silent")
	if _, err := b.find(b.ctx, "button", "Reconnect @well"); err == nil {
		t.Error("what works can be connected again")
	}
	const count = "changes.length"
	before := evaluate[int](b, count)
	evaluate[bool](b, comesIntoSight)
	await[bool](b, "accounts().then(() => true)") // asked after the page did, and answered
	if after := evaluate[int](b, count); after != before {
		t.Errorf("%d changes without a change", after-before)
	}
	b.press("button", "Reconnect @<b>elsewhere</b>")
	b.sees("button", "Continue")
}

func partsLookNative(t *testing.T, chromium context.Context) {
	p := appInFront(t, "")
	b := p.visit(t, chromium, "/settings", true)
	b.sees("button", "Connect Instagram")
	got := evaluate[[]string](b, `(() => {
		const host = document.querySelector("igconnect-button");
		host.style.font = "italic 31px monospace";
		host.style.setProperty("--igconnect-background", "rgb(1, 2, 3)");
		host.style.setProperty("--igconnect-color", "rgb(4, 5, 6)");
		host.style.setProperty("--igconnect-border", "7px solid rgb(7, 8, 9)");
		const button = getComputedStyle(host.shadowRoot.querySelector("[part=connect]"));
		return [button.fontStyle, button.fontSize, button.fontFamily, button.backgroundColor, button.color, button.borderTopWidth];
	})()`)
	want := []string{"italic", "31px", "monospace", "rgb(1, 2, 3)", "rgb(4, 5, 6)", "7px"}
	if !slices.Equal(got, want) {
		t.Errorf("the button is %q, want %q", got, want)
	}
}

// TestPartsOnAServer shows that what renders pages on a server can import the module.
func TestPartsOnAServer(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("there is no Node")
	case err != nil:
		t.Skip("there is no Node")
	}
	module, err := os.ReadFile(connectScript)
	if err != nil {
		t.Fatal(err)
	}
	load := exec.CommandContext(t.Context(), node, "--input-type=module")
	load.Stdin = strings.NewReader(string(module) + "\nconsole.log([connect, accounts, disconnect].map((each) => typeof each).join());")
	if said, err := load.CombinedOutput(); err != nil || string(said) != "function,function,function\n" {
		t.Errorf("%v: %s", err, said)
	}
}
