// Package public holds no code: these tests hold the files that browsers load,
// and the pages of lib/page that load them, against what the
// Content-Security-Policy allows and what a reader needs.
package public

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"igconnect/lib/colour"
	"igconnect/lib/page"
)

const (
	templates = "../lib/page/templates/*.html"
	drawn     = "../lib/page/testdata/*" // what the templates make, whole or as differences
)

// read returns the texts of the files that match, by name.
func read(t *testing.T, patterns ...string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(names), err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	return texts
}

// file returns the text of one file.
func file(t *testing.T, name string) string { t.Helper(); return read(t, name)[name] }

// The Content-Security-Policy would block each of these, but for what leads on by itself.
func TestNothingInline(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`(?i)<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|<base|<iframe|<object|<embed|http-equiv`)
	script := regexp.MustCompile(`(?i)<script[^>]*>[^<]*`)
	ownScript := regexp.MustCompile(`^<script src="/igconnect/(home|forms)\.js" defer>$`)
	leadsOn := regexp.MustCompile(`<meta http-equiv="refresh" content="0; url=[^"]*">`)
	for name, text := range read(t, "igconnect/*.svg", templates, drawn) {
		text = leadsOn.ReplaceAllString(text, "")
		if found := forbidden.FindString(text); found != "" {
			t.Errorf("%s contains %q", name, found)
		}
		for _, found := range script.FindAllString(text, -1) {
			if !ownScript.MatchString(found) {
				t.Errorf("%s contains %q", name, found)
			}
		}
	}
}

// What a page loads is our own and exists; only links lead elsewhere, and the
// pictures of accounts, which the templates leave open.
func TestNoThirdPartyRequest(t *testing.T) {
	t.Parallel()
	loads := regexp.MustCompile(`<(?:img|script|link)[^>]*?\s(?:src|href)="([^"{]+)`)
	for name, text := range read(t, "igconnect/*.svg", templates) {
		for _, found := range loads.FindAllStringSubmatch(text, -1) {
			if path, ours := strings.CutPrefix(found[1], "/"); !ours || strings.HasPrefix(path, "/") {
				t.Errorf("%s loads %s", name, found[1])
			} else {
				file(t, path)
			}
		}
	}
	if found := regexp.MustCompile(`@import|url\(|https?:`).FindString(file(t, "igconnect/style.css")); found != "" {
		t.Errorf("style.css contains %q", found)
	}
	forbidden := regexp.MustCompile(`https?://|import`)
	for name, text := range read(t, "igconnect/*.js") {
		if found := forbidden.FindString(text); found != "" {
			t.Errorf("%s contains %q", name, found)
		}
	}
}

// Our scripts take no message from another window and make no markup of a
// text. connect.js, which runs in pages of the app, has a channel that other
// origins do not reach.
// https://www.rfc-editor.org/rfc/rfc9700#section-4.17
func TestScriptsTakeNothingFromOutside(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`postMessage|onmessage|["']message["']|MessageChannel|BroadcastChannel|opener|` +
		`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|new Function`)
	channel := strings.NewReplacer(`new BroadcastChannel("igconnect")`, "", "tabs.postMessage(", "", "tabs.onmessage", "", `"noopener"`, "")
	for name, text := range read(t, "igconnect/*.js") {
		if name == "igconnect/connect.js" {
			text = channel.Replace(text)
		}
		if found := forbidden.FindString(text); found != "" {
			t.Errorf("%s contains %q", name, found)
		}
	}
}

// connect.js is a module of 5,120 bytes at most, as it is served.
func TestConnectScriptIsSmall(t *testing.T) {
	t.Parallel()
	if size := len(file(t, "igconnect/connect.js")); size > 5120 {
		t.Errorf("it has %d bytes", size)
	}
}

const homeTemplate = "../lib/page/templates/home.html"

// One HTML, one style, one script, of less than 36,000 bytes together, in any language.
func TestLandingPageIsSmall(t *testing.T) {
	t.Parallel()
	for _, language := range []page.Language{"en", "de", "es", "pt", "fr"} {
		document, err := page.Render(page.Look{Language: language}, page.Policy{}, page.Home{Login: "/api/login?return_to=%2F"})
		if err != nil {
			t.Fatal(err)
		}
		html := string(document.Body)
		if parts := regexp.MustCompile(`<script|rel="stylesheet"`).FindAllString(html, -1); len(parts) != 2 {
			t.Errorf("the landing page loads %d scripts and styles, want one of each", len(parts))
		}
		// The button is a plain link, so that it works before and without the script.
		if !regexp.MustCompile(`<a class="button primary large" href="/api/login\?return_to=%2F">[^<]*Instagram[^<]*</a>`).MatchString(html) {
			t.Error("the landing page has no link to connect")
		}
		total := len(html) + len(file(t, "igconnect/style.css")) + len(file(t, "igconnect/home.js"))
		if t.Logf("%s: %d bytes", language, total); total >= 36_000 {
			t.Errorf("the landing page weighs %d bytes in %s", total, language)
		}
	}
}

// What the script asks for by name stands in the page.
func TestScriptFindsItsElements(t *testing.T) {
	t.Parallel()
	html, code := file(t, homeTemplate), file(t, "igconnect/home.js")
	for call, attribute := range map[string]string{"byId": "id", "part": "data-part", "result": "data-result"} {
		found := regexp.MustCompile(call+`\("([a-z-]+)"\)`).FindAllStringSubmatch(code, -1)
		if len(found) == 0 {
			t.Errorf("home.js never calls %s", call)
		}
		for _, name := range found {
			if !strings.Contains(html, attribute+`="`+name[1]+`"`) {
				t.Errorf("the landing page has no %s=%q", attribute, name[1])
			}
		}
	}
}

// What the scripts say stands in the page, in its language, and they say all of it.
func TestScriptsFindTheirTexts(t *testing.T) {
	t.Parallel()
	var all map[string]string
	if err := json.Unmarshal([]byte(file(t, "../lib/page/messages/en.json")), &all); err != nil {
		t.Fatal(err)
	}
	for script, of := range map[string]struct{ template, call, prefix string }{
		"igconnect/home.js":  {homeTemplate, `(?:text|counted)\("([a-z_.]+)"`, ""},
		"igconnect/forms.js": {"../lib/page/templates/chooser.html", `say\("([a-z_]+)"`, "chooser.script."},
	} {
		list := regexp.MustCompile(`forScript ((?:"[a-z_.]+" ?)+)`).FindStringSubmatch(file(t, of.template))[1]
		prefixes := strings.Split(strings.Trim(list, `"`), `" "`)
		said := map[string]bool{}
		for _, found := range regexp.MustCompile(of.call).FindAllStringSubmatch(file(t, script), -1) {
			for _, form := range []string{"", ".one", ".other"} {
				said[of.prefix+found[1]+form] = true
			}
			key := of.prefix + found[1]
			inPage := slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) || key+"." == prefix })
			if all[key] == "" && all[key+".one"] == "" || !inPage {
				t.Errorf("%s: the page has no text %s", script, key)
			}
		}
		for key := range all {
			if ofScript := strings.Contains(key, ".script.") && strings.HasPrefix(key, prefixes[0]); ofScript && !said[key] {
				t.Errorf("%s never says %s", script, key)
			}
		}
	}
}

// Text needs a contrast of 4.5, the edge of a field 3 (WCAG 2.2, 1.4.3 and 1.4.11).
func TestColoursHaveContrast(t *testing.T) {
	t.Parallel()
	light, dark, ok := strings.Cut(file(t, "igconnect/style.css"), "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("style.css has no dark colours")
	}
	for scheme, block := range map[string]string{"light": light, "dark": dark} {
		block, _, _ = strings.Cut(block, "}")
		colours := map[string]colour.Colour{}
		for _, found := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{3,6});`).FindAllStringSubmatch(block, -1) {
			colours[found[1]], _ = colour.Parse(found[2])
		}
		for _, pair := range []struct {
			front, grounds string
			least          float64
		}{
			{"ink", "paper card soft warn-soft", 4.5},
			{"quiet", "paper card soft", 4.5},
			{"link", "paper card soft warn-soft", 4.5},
			{"accent-strong", "paper card", 4.5},
			{"warn", "paper card soft warn-soft", 4.5},
			{"on-accent", "accent accent-strong", 4.5},
			{"field", "paper card", 3},
		} {
			for _, ground := range strings.Fields(pair.grounds) {
				front, ok1 := colours[pair.front]
				back, ok2 := colours[ground]
				if !ok1 || !ok2 {
					t.Fatalf("%s: no colour %s or %s", scheme, pair.front, ground)
				}
				if ratio := colour.Contrast(front, back); ratio < pair.least {
					t.Errorf("%s: %s on %s has a contrast of %.2f, want %.1f",
						scheme, pair.front, ground, ratio, pair.least)
				}
			}
		}
	}
}
