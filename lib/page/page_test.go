package page

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// draw renders p and returns the body.
func draw(t *testing.T, p Page) string {
	t.Helper()
	return drawIn(t, English, p)
}

func drawIn(t *testing.T, language Language, p Page) string {
	t.Helper()
	document, err := Render(Look{Language: language}, Policy{}, p)
	if err != nil {
		t.Fatal(err)
	}
	return string(document.Body)
}

func TestRenderGivesPageAndExactPolicy(t *testing.T) {
	t.Parallel()
	policy := Policy{Images: []string{"http://localhost:4000"}, Forms: []string{"https://www.facebook.com", "https://app.example"}}
	document, err := Render(Look{}, policy, Error{Code: "state_expired"})
	if err != nil {
		t.Fatal(err)
	}
	want := "default-src 'none'; style-src 'self'; script-src 'self'; " +
		"img-src 'self' https://*.cdninstagram.com https://*.fbcdn.net http://localhost:4000; " +
		"form-action 'self' https://www.facebook.com https://app.example; " +
		"base-uri 'none'; frame-ancestors 'none'"
	if diff := cmp.Diff(want, document.ContentSecurityPolicy); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(document.Body), "<h1>That took too long</h1>") {
		t.Errorf("the body lacks its title:\n%s", document.Body)
	}
}

// brokenPage has none of the fields that its template asks for after the title,
// and so fails in the middle of the page.
type brokenPage struct{ Code string }

func (brokenPage) Title() Key       { return "missing.title" }
func (brokenPage) template() string { return "error.html" }

func TestRenderOfABrokenPageGivesNothing(t *testing.T) {
	t.Parallel()
	document, err := Render(Look{}, Policy{}, brokenPage{Code: "internal"})
	if err == nil || document.Body != nil || document.ContentSecurityPolicy != "" {
		t.Errorf("error %v, document %+v; want an error alone", err, document)
	}
}

func TestPolicyKeepsOriginsOnly(t *testing.T) {
	t.Parallel()
	for entry, kept := range map[string]bool{
		"https://www.facebook.com": true, "http://localhost:3000": true, "http://[::1]:3000": true,
		"https://app.example/": false, "https://app.example/path": false, "https://user@app.example": false,
		"https://app.example; script-src *": false, "https://app.example https://evil.example": false,
		"https://app.example,https://evil.example": false, "https://app.example\r\nX: y": false,
		"https://*.example": false, "https:": false, "https://": false, "javascript:alert(1)": false,
		"data:": false, "'unsafe-inline'": false, "*": false, "": false,
	} {
		want := "form-action 'self';"
		if kept {
			want = "form-action 'self' " + entry + ";"
		}
		if got := (Policy{Forms: []string{entry}}).header(frame{}); !strings.Contains(got, want) {
			t.Errorf("Forms %q: %s, want %s", entry, got, want)
		}
	}
}

func TestAccountTitleAndInitials(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, username, title, initials string }{
		{"Aurora Bakery", "aurora", "Aurora Bakery", "AB"},
		{"  aurora   bakery & sons ", "aurora", "  aurora   bakery & sons ", "AB"},
		{"Kiosk", "k", "Kiosk", "K"},
		{"", "kiosk21", "@kiosk21", "K"},
		{"", "_21_", "@_21_", "2"},
		{"✨ Café Zwölf", "cafe", "✨ Café Zwölf", "CZ"},
		{"øl & æble", "x", "øl & æble", "ØÆ"},
		{"東京 珈琲", "tokyo", "東京 珈琲", "東珈"},
		{"🍞🥐", "bread", "🍞🥐", "B"},
		{"🍞", "", "🍞", "@"},
		{"", "", "17841", "@"},
		{"\xff\xfe", "broken", "\xff\xfe", "B"},
	} {
		account := Account{InstagramID: "17841", Name: tt.name, Username: tt.username}
		if title, initials := account.Title(), account.Initials(); title != tt.title || initials != tt.initials {
			t.Errorf("%+v: title %q, initials %q", tt, title, initials)
		}
	}
}

func TestPicture(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://scontent.cdninstagram.com/v/t51/1.jpg?stp=x&oh=y": true,
		"http://localhost:4000/picture/1.svg":                      true,
		"http://127.0.0.1:4000/picture/1.svg":                      true,
		"http://scontent.cdninstagram.com/1.jpg":                   false,
		"http://localhost.evil.example/1.jpg":                      false,
		"https:1.jpg":                                              false,
		"//cdn.example/1.jpg":                                      false,
		"/1.jpg":                                                   false,
		"javascript:alert(1)":                                      false,
		"javascript://localhost/%0aalert(1)":                       false,
		"data:image/png;base64,AAAA":                               false,
		"https://bad host/":                                        false,
		"":                                                         false,
	} {
		account := Account{PictureURL: address}
		got := account.Picture()
		if shown := got == address && got != ""; shown != want {
			t.Errorf("Picture of %q = %q, want shown %v", address, got, want)
		}
		body := draw(t, Chooser{Accounts: []Account{account}})
		if inPage := strings.Contains(body, `alt="" loading="lazy"`); inPage != want {
			t.Errorf("%q in the page: %v, want %v", address, inPage, want)
		}
	}
}

func TestGroupsKeepEveryPageUnderItsVerdict(t *testing.T) {
	t.Parallel()
	missing := Missing{Pages: []Verdict{{"A", "", Connected}, {"B", "", NoTask}, {"C", "", NoInstagram}, {"D", "", NoTask}}}
	var got []string
	for _, group := range missing.Groups() {
		got = append(got, string(group.Kind))
		for _, verdict := range group.Pages {
			got = append(got, verdict.PageName)
		}
	}
	// What is well comes last.
	want := []string{"no_instagram", "C", "no_task", "B", "D", "connected", "A"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups and their Pages (-want +got):\n%s", diff)
	}
}

func TestEveryVerdictSaysWhatToDo(t *testing.T) {
	t.Parallel()
	english, seen := languages()[English](), map[string]bool{}
	for _, kind := range kinds {
		status, why, steps := english[key("verdict", kind, "status")], english[key("verdict", kind, "why")], english.steps(key("verdict", kind, "step"))
		if status == "" || why == "" || seen[status] {
			t.Errorf("%s: status %q, why %q; want both, and the status once", kind, status, why)
		}
		seen[status] = true
		if good := kind.Good(); good != (kind == Connected || kind == Waiting) || (len(steps) == 0) != good {
			t.Errorf("%s: good %v, %d steps", kind, good, len(steps))
		}
	}
}

func TestTitleAndLeadOfMissing(t *testing.T) {
	t.Parallel()
	const permission, account = "A permission is missing", "Why is my account not here?"
	required, optional := Permissions([]string{"pages_show_list"}), Permissions([]string{"business_management"})
	bare := []Verdict{{"A", "", NoInstagram}}
	halfWay, well := []Verdict{{"A", "a", NoTask}}, []Verdict{{"A", "", NoInstagram}, {"B", "b", Connected}}
	for name, tt := range map[string]struct {
		missing     Missing
		title, lead string
	}{
		"no Page":                     {Missing{}, account, "no Facebook Page at all"},
		"a Page without Instagram":    {Missing{Pages: bare}, account, "one Facebook Page, but"},
		"a required permission":       {Missing{Declined: required}, permission, "so we stopped"},
		"an optional permission":      {Missing{Declined: optional}, account, "no Facebook Page at all"},
		"both":                        {Missing{Declined: append(optional, required...)}, permission, "so we stopped"},
		"a required one, and a Page":  {Missing{Declined: required, Pages: bare}, account, "so we stopped"},
		"an optional one, and a Page": {Missing{Declined: optional, Pages: bare}, account, "one Facebook Page, but"},
		"saved, and works not fully":  {Missing{Saved: true, Pages: halfWay}, account, "does not work fully yet"},
		"saved, and another is well":  {Missing{Saved: true, Pages: well}, account, "Some of your accounts are connected"},
		"one is well":                 {Missing{Pages: well}, account, "Some of your accounts are connected"},
	} {
		body := draw(t, tt.missing)
		if want := "<h1>" + tt.title + "</h1>"; !strings.Contains(body, want) {
			t.Errorf("%s: the page lacks %q", name, want)
		}
		_, lead, _ := strings.Cut(body, `class="lead">`)
		if lead, _, _ = strings.Cut(lead, "</p>"); !strings.Contains(lead, tt.lead) {
			t.Errorf("%s: the lead %q does not say %q", name, lead, tt.lead)
		}
	}
}

func TestPermissionsSayWhatIsLost(t *testing.T) {
	t.Parallel()
	optional := map[string]bool{
		"instagram_basic": false, "instagram_manage_messages": false, "pages_show_list": false,
		"pages_manage_metadata": false, "pages_messaging": true, "business_management": true, "ads_read": false,
	}
	seen := map[Key]bool{}
	for name, want := range optional {
		p := Permissions([]string{name})[0]
		if p.Name != name || p.Optional != want || Text(English, p.Lost) == "" || seen[p.Lost] {
			t.Errorf("%s: %+v; want Optional %v and a sentence of its own", name, p, want)
		}
		seen[p.Lost] = true
	}
}

func TestStoppedNamesEveryAccount(t *testing.T) {
	t.Parallel()
	for want, stopped := range map[string]Stopped{
		"@a was not shared this time and stopped.":             {"a"},
		"@a and @b were not shared this time and stopped.":     {"a", "b"},
		"@a, @b and @c were not shared this time and stopped.": {"a", "b", "c"},
	} {
		if body := draw(t, Missing{Stopped: stopped}); !strings.Contains(body, "<strong>"+want+"</strong>") {
			t.Errorf("the page of %q lacks %q", []string(stopped), want)
		}
	}
}

func TestAPageWithoutNameHasALabel(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Aurora": "Aurora", "": "A Page without a name", " ": "A Page without a name"} {
		if body := draw(t, Missing{Pages: []Verdict{{PageName: name, Kind: NoTask}}}); !strings.Contains(body, "<li>"+want+"</li>") {
			t.Errorf("the Page %q is not called %q", name, want)
		}
	}
}

// hostile tries to leave each context that a value is put into.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus='alert(1)`, `</title><svg/onload=alert(1)>`,
	`</textarea></style><iframe src=//evil.example>`, `{{.Title}}`, `javascript:alert(1)`, `JaVaScRiPt:alert(1)`,
	"java\nscript:alert(1)", `data:text/html,<script>alert(1)</script>`, `vbscript:x`,
}

func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	for _, s := range hostile {
		action := Action{Label: Back, Href: s}
		post := Action{Label: TryAgain, Post: s, Fields: []Field{{s, s}}}
		accounts := []Account{{InstagramID: s, Username: s, Name: s, PictureURL: s, PageName: s, Connected: true, CannotMessage: true}}
		for name, p := range map[string]Page{
			"error":   Error{Code: "internal", RequestID: s, Actions: []Action{action, post}},
			"chooser": Chooser{Action: s, Fields: []Field{{s, s}}, Accounts: accounts, Stopped: Stopped{s}, Again: action, Cancel: post},
			"home":    Home{Login: s, Explain: s, Failed: HomeDenied, Saved: true},
			"missing": Missing{Pages: []Verdict{{s, s, NoTask}}, Declined: []Permission{{s, "permission.other", true}}, Stopped: Stopped{s}, Person: s, Again: post, Back: action, RequestID: s},
		} {
			checkHarmless(t, name, s, draw(t, p))
		}
	}
}

// checkHarmless looks for what the page would contain if s had been taken for
// markup or for an address.
func checkHarmless(t *testing.T, name, s, body string) {
	t.Helper()
	if strings.ContainsAny(s, `<>"'`) && strings.Contains(body, s) {
		t.Errorf("%s: %q stands in the page as it is", name, s)
	}
	if n := strings.Count(body, "<script"); n != 1 {
		t.Errorf("%s: %q: %d scripts, want our own only", name, s, n)
	}
	for _, tag := range []string{"<svg", "<iframe", "<img src=x"} {
		if strings.Contains(body, tag) {
			t.Errorf("%s: %q: the page contains %s", name, s, tag)
		}
	}
	lower := strings.ToLower(body)
	for _, attribute := range []string{"href", "action", "src"} {
		for _, scheme := range []string{"javascript:", "java\nscript:", "data:", "vbscript:"} {
			if strings.Contains(lower, attribute+`="`+scheme) {
				t.Errorf("%s: %q is an address in %s", name, s, attribute)
			}
		}
	}
}
