package api_test

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/leaks"
	"igconnect/internal/metasim"
)

// Every test of this package is a test for leaks: whatever its deployment answers,
// logs, asks for by URL or stores is searched for each secret that went in, and
// so is whatever the process prints.
func TestMain(m *testing.M) {
	os.Exit(leaks.Main(m.Run))
}

const (
	ada = deploytest.Ada
	ben = deploytest.Ben

	appOrigin = "https://app.example"
)

var (
	brand       = deploytest.Brand
	instagramID = deploytest.InstagramID
	session     = deploytest.Session
	reply       = deploytest.Reply
	html        = deploytest.HTML
)

type answer = deploytest.Answer

// deployment is one for a test of this package.
type deployment struct{ *deploytest.Deployment }

// deploy deploys the functions with the stand-in for Supabase. The person at Meta
// has the given Pages.
func deploy(t testing.TB, pages ...metasim.Page) deployment {
	t.Helper()
	return deployWith(t, nil, pages...)
}

// parallel runs a subtest beside the others.
func parallel(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { t.Parallel(); test(t) })
}

func skipShort(t *testing.T, why string) {
	t.Helper()
	if testing.Short() {
		t.Skip(why)
	}
}

// deployWith is deploy with settings besides the usual ones.
func deployWith(t testing.TB, settings map[string]string, pages ...metasim.Page) deployment {
	t.Helper()
	return deployment{deploytest.New(t, deploytest.Options{Pages: pages, Settings: settings})}
}

// connected is deploy with the way through the dialog gone to its end: the answer is the
// callback's, which is the chooser where there are several accounts.
func connected(t *testing.T, pages ...metasim.Page) (deployment, answer) {
	t.Helper()
	d := deploy(t, pages...)
	return d, d.Connect()
}

// connectWith returns the callback's answer, or the chooser, while Meta fails at it.
func (d deployment) connectWith(query string, fault metasim.Fault) answer {
	d.T.Helper()
	callback := d.LogIn(query, metasim.Approval{})
	d.Meta.Inject(fault)
	return d.ComeBack(callback)
}

// unlisted is a Page that Meta's list does not show.
func unlisted(n int) metasim.Page {
	page := brand(n)
	page.Unlisted = true
	return page
}

// sendForm posts a form as a foreign page or a program would.
func (d deployment) sendForm(path string, header map[string]string, form url.Values) answer {
	d.T.Helper()
	sent := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	maps.Copy(sent, header)
	return d.Send(http.MethodPost, path, sent, form.Encode())
}

// choice is what the chooser's form says for these accounts.
func choice(accounts ...int) url.Values {
	form := url.Values{}
	for _, n := range accounts {
		form.Add("instagram_id", instagramID(n))
	}
	return form
}

// row is what is stored of a user's account n.
func (d deployment) row(user string, n int) map[string]any {
	return d.Supabase.Rows()[user+"/"+instagramID(n)]
}

func (d deployment) wantStatus(user string, n int, status string) {
	d.T.Helper()
	if row := d.row(user, n); row["status"] != status {
		d.T.Errorf("%s's account %d is %v: %v", user, n, row["status"], row["status_reason"])
	}
}

// newBrowser goes on in a browser without any cookie.
func (d deployment) newBrowser() { d.Browser = deploytest.NewBrowser(d.T) }

// want checks an answer's status and code. Of several answers, which tells the one.
func (d deployment) want(got answer, status int, code string, which ...any) {
	d.T.Helper()
	if got.StatusCode != status || got.Code() != code {
		d.T.Errorf("%v: %d %s, want %d %s: %s", which, got.StatusCode, got.Code(), status, code, got.Body)
	}
}

// wantTexts checks that a page shows each of the texts.
func (d deployment) wantTexts(got answer, texts ...string) {
	d.T.Helper()
	for _, text := range texts {
		if !strings.Contains(got.Body, text) {
			d.T.Errorf("the page lacks %q: %s", text, got.Body)
		}
	}
}

// pending are the browser's cookies of logins that have not ended.
func (d deployment) pending() []*http.Cookie {
	ended := func(c *http.Cookie) bool { return strings.HasPrefix(c.Name, "igconnect_ended_") }
	return slices.DeleteFunc(d.Cookies("igconnect"), ended)
}

// approve answers the dialog and returns the address of the callback.
func (d deployment) approve(dialog string) string {
	d.T.Helper()
	callback, err := d.Meta.Approve(d.T.Context(), dialog, metasim.Approval{})
	if err != nil {
		d.T.Fatal(err)
	}
	callback, _, _ = strings.Cut(callback, "#") // the fragment stays in the browser
	return callback
}

// count is how many requests of a step reached Supabase.
func (d deployment) count(step string) int {
	others := func(r deploytest.SupabaseRequest) bool { return r.Step != step }
	return len(slices.DeleteFunc(d.Supabase.Requests(), others))
}

// seedScopes are the permissions that are asked for unless FB_LOGIN_SCOPES says
// otherwise.
const seedScopes = "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata"
