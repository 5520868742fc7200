package page

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/chromium"
)

// browse opens a page in Chromium whose script drives our pages in a frame of a phone's width
// and reports what it saw, as JSON. serve answers all but /igconnect/.
func browse(t *testing.T, serve http.HandlerFunc, script string, seen any) {
	t.Helper()
	path := chromium.Find(t)
	report := make(chan []byte, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("/", serve)
	mux.Handle("/igconnect/", http.FileServer(http.Dir("../../public")))
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		report <- body
	})
	mux.HandleFunc("/drive", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><iframe width=360 height=740 style="border:0"></iframe><script type="module">
			const frame = document.querySelector("iframe");
			const load = (path) => new Promise((done) => { frame.onload = () => done(frame.contentDocument); frame.src = path; });
			const drive = async () => {%s};
			const seen = await drive().catch((error) => ({ Error: String(error) }));
			fetch("/report", { method: "POST", body: JSON.stringify(seen) });
		</script>`, script)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	browser := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage",
		"--no-first-run", "--no-proxy-server", "--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), server.URL+"/drive")
	browser.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL)
		_ = browser.Wait()
	}()
	select {
	case body := <-report:
		if err := json.Unmarshal(body, seen); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
	case <-time.After(3 * time.Minute):
		t.Fatal("Chromium reports nothing")
	}
}

// On a phone no page is wider than the screen, in any language, with all of it unfolded, and
// whatever the app and the accounts are called.
func TestPagesFitAPhone(t *testing.T) {
	t.Parallel()
	long := Brand{Name: strings.Repeat("W", 60), LogoURL: "/igconnect/favicon.svg", Accent: "#b3261e", SupportURL: "https://app.example/help", PrivacyURL: "/privacy"}
	pages := variants()
	pages["chooser_long"] = Chooser{Accounts: []Account{{Username: strings.Repeat("w", 30), Name: strings.Repeat("W", 64), PageName: strings.Repeat("W", 75)}}}
	var paths []string
	for name := range pages {
		for language := range languages() {
			paths = append(paths, "/"+string(language)+"/"+name)
		}
	}
	slices.Sort(paths)
	serve := func(w http.ResponseWriter, r *http.Request) {
		language, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if pages[name] == nil {
			http.NotFound(w, r)
			return
		}
		document, err := Render(Look{Language: Language(language), Brand: long}, Policy{}, pages[name])
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(document.Body)
	}
	var seen struct {
		Looked  int
		TooWide []string
		Error   string
	}
	browse(t, serve, `
		const TooWide = [], paths = `+string(must(json.Marshal(paths)))+`;
		for (const path of paths) {
			const page = await load(path);
			for (const part of page.querySelectorAll("[hidden]")) part.hidden = false;
			for (const part of page.querySelectorAll("details")) part.open = true;
			page.body.append(...[...page.querySelectorAll("template")].map((part) => part.content.cloneNode(true)));
			page.querySelector("dialog")?.show();
			if (page.documentElement.scrollWidth > 360) {
				const wide = [...page.querySelectorAll("body *")].filter((part) => part.getBoundingClientRect().right > 360);
				TooWide.push(path + ": " + wide.map((part) => part.outerHTML.slice(0, 100)).at(-1));
			}
		}
		return { Looked: paths.length, TooWide };
	`, &seen)
	if seen.Error != "" || seen.Looked < 5*len(variants()) || len(seen.TooWide) > 0 {
		t.Errorf("%d pages, error %q, too wide: %s", seen.Looked, seen.Error, strings.Join(seen.TooWide, "\n"))
	}
}

// The landing page says that an account is connected only where the list does, shows what is in
// trouble first, and does not invite for a moment who has accounts there. Its policy holds.
func TestHomeBelievesTheList(t *testing.T) {
	t.Parallel()
	const well = `{"instagram_id":"1","username":"well","status":"active","subscribed_fields":["messages"]}`
	const stopped = `{"instagram_id":"2","username":"stopped","status":"reconnect","status_reason":"You removed this app at Facebook."}`
	const silent = `{"instagram_id":"3","username":"silent","status":"active","subscription_error":"refused"}`
	const scopes = `{"instagram_id":"4","username":"lost","status":"reconnect","status_reason":"A permission was taken back at Meta: a, b."}`
	type sight struct {
		Before, After []string // ids and results that are in sight: before the list is there, and then
		News          string   // what is said of the login
		Rows          []string // user name and state of each
	}
	type scenario struct {
		query, ask, list string
		status           int
		want             sight
	}
	waits := []string{"loading"}
	scenarios := map[string]scenario{
		"a stranger":                {"", "", "[]", 200, sight{[]string{"hero"}, []string{"hero"}, "", nil}},
		"connected":                 {"?connected=1", "", "[" + well + "]", 200, sight{waits, []string{"connected", "accounts"}, "@well is connected.", []string{"@well: Connected"}}},
		"not in the list":           {"?connected=9", "yes", "[" + well + "]", 200, sight{waits, []string{"accounts"}, "", []string{"@well: Connected"}}},
		"in the list, and stopped":  {"?connected=2", "", "[" + stopped + "]", 200, sight{waits, []string{"accounts"}, "", []string{"@stopped: Stopped: You removed this app at Facebook."}}},
		"one of two":                {"?connected=1,9", "", "[" + well + "]", 200, sight{waits, []string{"connected", "accounts"}, "@well is connected.", []string{"@well: Connected"}}},
		"signed out":                {"?connected=1", "", "", 401, sight{waits, []string{"hero"}, "", nil}},
		"no list":                   {"?connected=1", "", "", 500, sight{waits, []string{"trouble"}, "", nil}},
		"a forged failure and list": {"?error=access_denied", "yes", "[" + well + "]", 200, sight{[]string{"failed", "loading"}, []string{"failed", "accounts"}, "You said no at Meta. Nothing was saved.", []string{"@well: Connected"}}},
		"trouble first": {"?lang=de", "yes", "[" + well + "," + silent + "," + stopped + "," + scopes + "]", 200, sight{waits, []string{"accounts"}, "", []string{
			"@silent: Verbunden", "@stopped: Beendet: Sie haben diese App bei Facebook entfernt.", "@lost: Beendet: Eine Berechtigung wurde bei Meta zurückgenommen: a, b.", "@well: Verbunden"}}},
	}
	names := slices.Sorted(maps.Keys(scenarios))
	of := func(r *http.Request) scenario {
		name, _ := url.QueryUnescape(r.Referer()[strings.Index(r.Referer(), "scenario=")+len("scenario="):])
		return scenarios[name]
	}
	serve := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/accounts" {
			asked := of(r)
			time.Sleep(300 * time.Millisecond) // the time in which something could flash
			w.WriteHeader(asked.status)
			fmt.Fprintf(w, `{"accounts":%s}`, asked.list)
			return
		}
		query := r.URL.Query()
		home := Home{Login: "/api/login?return_to=%2F", Explain: "/api/login?explain=1&return_to=%2F"}
		if query.Has("error") {
			home.Failed = HomeDenied
		}
		document, err := Render(Look{Language: LanguageFor(query.Get("lang"), ""), Brand: aurora}, Policy{}, home)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		policy := strings.Replace(document.ContentSecurityPolicy, "frame-ancestors 'none'", "frame-ancestors 'self'", 1)
		w.Header().Set("Content-Security-Policy", policy)
		_, _ = w.Write(document.Body)
	}
	var paths [][2]string
	for _, name := range names {
		s := scenarios[name]
		separator := map[bool]string{true: "&", false: "?"}[strings.Contains(s.query, "?")]
		paths = append(paths, [2]string{"/" + s.query + separator + "scenario=" + url.QueryEscape(name), s.ask})
	}
	var seen struct {
		Sights []sight
		Accent string
		Error  string
	}
	browse(t, serve, `
		const Sights = [];
		let Accent;
		for (const [path, ask] of `+string(must(json.Marshal(paths)))+`) {
			localStorage.setItem("ask", ask);
			const page = await load(path);
			const inSight = () => [...page.querySelectorAll("[data-result], #trouble, #loading, #accounts, #hero")]
				.filter((part) => part.checkVisibility({ visibilityProperty: true })).map((part) => part.id || part.dataset.result);
			const Before = inSight();
			for (let n = 0; page.querySelector("#loading").checkVisibility() && n < 200; n++) await new Promise((go) => setTimeout(go, 50));
			const news = page.querySelector('[data-result]:not([hidden]) strong');
			const Rows = [...page.querySelectorAll("#list li")].map((row) =>
				row.querySelector('[data-part="title"]').textContent + ": " + row.querySelector('[data-part="state"]').textContent);
			Sights.push({ Before, After: inSight(), News: news?.textContent ?? "", Rows: Rows.length ? Rows : null });
			Accent = getComputedStyle(page.querySelector(".button.primary")).backgroundColor;
		}
		return { Sights, Accent };
	`, &seen)
	if seen.Error != "" || len(seen.Sights) != len(names) {
		t.Fatalf("error %q, %d sights", seen.Error, len(seen.Sights))
	}
	for i, name := range names {
		if diff := cmp.Diff(scenarios[name].want, seen.Sights[i]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if seen.Accent != "rgb(179, 38, 30)" { // the policy let the style pass
		t.Errorf("the button is %s", seen.Accent)
	}
}
