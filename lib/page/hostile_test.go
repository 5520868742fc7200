package page

import (
	"strings"
	"testing"
)

// hostile tries to leave each context that a value is put into.
var hostile = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' autofocus onfocus='alert(1)`,
	`</title><svg/onload=alert(1)>`,
	`</textarea></style><iframe src=//evil.example>`,
	`{{.Title}}`,
	`javascript:alert(1)`,
	`JaVaScRiPt:alert(1)`,
	"java\nscript:alert(1)",
	`data:text/html,<script>alert(1)</script>`,
	`vbscript:x`,
}

func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	for _, s := range hostile {
		action := Action{Label: s, Href: s}
		post := Action{Label: s, Post: s, Fields: []Field{{s, s}}}
		account := Account{
			InstagramID: s, Username: s, Name: s, PictureURL: s, PageName: s, Connected: true, CannotMessage: true,
		}
		for name, p := range map[string]Page{
			"error": Error{
				Code: s, RequestID: s, Title: s, What: s, Next: s, Note: s, Actions: []Action{action, post},
			},
			"chooser": Chooser{
				Action: s, Fields: []Field{{s, s}}, Accounts: []Account{account}, Notice: s,
				Stopped: Stopped{s}, Again: action, Cancel: post,
			},
			"missing": Missing{
				Pages: []Verdict{{s, s, NoTask}}, Declined: []Permission{{s, s, true}}, Stopped: Stopped{s},
				Person: s, Again: post, Back: action, RequestID: s,
			},
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
