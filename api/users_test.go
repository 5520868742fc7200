package api_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"igconnect/internal/appsim"
	"igconnect/internal/leaks"
	"igconnect/internal/metasim"
)

const vouchSecret = "a-vouch-secret-that-nobody-may-see"

// people are the users of an app that is not on Supabase Auth: its ids are any text.
var people = []appsim.Person{{ID: `auth0|ada/1,"x"%`, Name: "Ada <b>& Co.</b>"}, {ID: "42"}}

// way is one of the ways in which an app says who its user is.
type way struct {
	name   string
	deploy func(t *testing.T, pages ...metasim.Page) wayDeployment
}

// wayDeployment is a deployment whose users are those of an app.
type wayDeployment struct {
	deployment
	users  [2]string                               // ids
	names  [2]string                               // as pages call them; "": they do not
	signIn func(n int)                             // in this browser, at the app
	begin  func(query string) answer               // presses the button, up to the redirect to the dialog
	asks   func(n int, method, path string) answer // the app asks the API about its user
}

// ways are all of them. What is true of one is true of each.
var ways = []way{
	{"Supabase Auth", func(t *testing.T, pages ...metasim.Page) wayDeployment {
		d := deploy(t, pages...)
		return wayDeployment{
			deployment: d, users: [2]string{ada, ben},
			signIn: func(n int) { d.SignIn([]string{ada, ben}[n]) },
			begin:  func(query string) answer { return d.Get("/api/login" + query) },
			asks: func(n int, method, path string) answer {
				return d.Send(method, path, map[string]string{"Authorization": "Bearer " + session([]string{ada, ben}[n])}, "")
			},
		}
	}},
	{"a JWT in a cookie", func(t *testing.T, pages ...metasim.Page) wayDeployment {
		d, provider := deployIssued(t, appsim.Clerk, pages...)
		return wayDeployment{
			deployment: d, users: [2]string{people[0].ID, people[1].ID},
			signIn: func(n int) { d.SetCookie("__session", provider.Token(people[n].ID)) },
			begin:  func(query string) answer { return d.Get("/api/login" + query) },
			asks: func(n int, method, path string) answer {
				return d.Send(method, path, map[string]string{"Authorization": "Bearer " + provider.Token(people[n].ID)}, "")
			},
		}
	}},
	{"a JWT in a form", func(t *testing.T, pages ...metasim.Page) wayDeployment {
		d, provider := deployIssued(t, appsim.Firebase, pages...)
		d.Set("ALLOWED_ORIGINS", appOrigin)
		user := people[0].ID
		return wayDeployment{
			deployment: d, users: [2]string{people[0].ID, people[1].ID},
			signIn: func(n int) { user = people[n].ID },
			begin: func(query string) answer {
				return d.sendForm("/api/login"+query, from(appOrigin), url.Values{"access_token": {provider.Token(user)}})
			},
			asks: func(n int, method, path string) answer {
				return d.Send(method, path, map[string]string{"Authorization": "Bearer " + provider.Token(people[n].ID)}, "")
			},
		}
	}},
	{"a ticket", func(t *testing.T, pages ...metasim.Page) wayDeployment {
		d, app := deployVouched(t, pages...)
		return wayDeployment{
			deployment: d.deployment, users: [2]string{people[0].ID, people[1].ID}, names: [2]string{people[0].Name, ""},
			signIn: d.signIn,
			begin:  func(query string) answer { return d.Get(d.vouch(d.Get("/api/login" + query))) },
			asks: func(n int, method, path string) answer {
				return d.Send(method, path, map[string]string{"Authorization": "Bearer " + app.ServerTicket(people[n].ID)}, "")
			},
		}
	}},
}

// deployIssued deploys for an app whose users bring JWTs of a provider.
func deployIssued(t *testing.T, style appsim.Style, pages ...metasim.Page) (deployment, *appsim.Provider) {
	t.Helper()
	d := deploy(t, pages...)
	d.newBrowser()
	provider := &appsim.Provider{Style: style, Origin: d.URL}
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	t.Cleanup(func() { d.Watch.Know(leaks.Numbered("of the provider's", provider.Secrets())) })
	provider.URL = server.URL
	d.setAll(provider.Settings())
	return d, provider
}

func (d deployment) setAll(settings map[string]string) {
	d.T.Helper()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		d.Set(name, settings[name])
	}
}

// vouched is a deployment for an app whose backend vouches for its users.
type vouched struct {
	deployment
	app *appsim.App
	at  string // where the app is
}

func deployVouched(t *testing.T, pages ...metasim.Page) (vouched, *appsim.App) {
	t.Helper()
	d := deploy(t, pages...)
	d.newBrowser()
	app := &appsim.App{Igconnect: d.URL, Secret: vouchSecret, People: people}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		d.Watch.Know(leaks.Numbered("of the app's", app.Secrets()))
		d.Watch.Know(map[string]string{"VOUCH_SECRET": vouchSecret})
	})
	d.setAll(app.Settings(server.URL))
	return vouched{deployment: d, app: app, at: server.URL}, app
}

// signIn signs in at the app. Its cookie comes along to the deployment too, which is another port of
// one host here, and means nothing there.
func (d vouched) signIn(n int) {
	d.T.Helper()
	form := url.Values{"person": {people[n].ID}}
	got := d.Send(http.MethodPost, d.at+"/sign-in", map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Origin": d.at}, form.Encode())
	if got.StatusCode != http.StatusSeeOther && got.StatusCode != http.StatusFound {
		d.T.Fatalf("signing in: %d %s", got.StatusCode, got.Body)
	}
}

// vouch follows a login to the app, which sends the browser back: the address with its ticket.
func (d vouched) vouch(begun answer) (back string) {
	d.T.Helper()
	if begun.StatusCode != http.StatusFound || !strings.HasPrefix(begun.Location(), d.at+"/instagram/vouch?") {
		d.T.Fatalf("%d %s to %q, want to the app: %s", begun.StatusCode, begun.Code(), begun.Location(), begun.Body)
	}
	got := d.Get(begun.Location())
	if got.StatusCode != http.StatusFound || !strings.HasPrefix(got.Location(), d.URL+"/api/login?ticket=") {
		d.T.Fatalf("the app: %d to %q: %s", got.StatusCode, got.Location(), got.Body)
	}
	return got.Location()
}

// connect walks from the button to the callback's answer, or the chooser.
func (d wayDeployment) connect(query string) answer {
	d.T.Helper()
	return d.ComeBack(d.toCallback(query, metasim.Approval{}))
}

// toCallback walks from the button through the dialog.
func (d wayDeployment) toCallback(query string, approval metasim.Approval) (callback string) {
	d.T.Helper()
	begun := d.begin(query)
	if begun.StatusCode != http.StatusFound {
		d.T.Fatalf("login: %d %s: %s", begun.StatusCode, begun.Code(), begun.Body)
	}
	callback, err := d.Meta.Approve(d.T.Context(), begun.Location(), approval)
	if err != nil {
		d.T.Fatal(err)
	}
	callback, _, _ = strings.Cut(callback, "#")
	return callback
}

// Each way of an app to say who its user is leads through the same things.
func TestWays(t *testing.T) {
	t.Parallel()
	for _, w := range ways {
		for name, test := range map[string]func(t *testing.T, w way){
			"one account":       oneAccountOf,
			"the chooser":       chooserOf,
			"reconnecting":      reconnectOf,
			"a no at Meta":      denialOf,
			"Supabase is down":  outageOf,
			"two users":         twoUsersOf,
			"nobody signed in":  nobodyOf,
			"the accounts":      accountsOf,
			"another browser":   anotherBrowserOf,
			"a second callback": secondCallbackOf,
		} {
			parallel(t, w.name+"/"+name, func(t *testing.T) { test(t, w) })
		}
	}
}

func oneAccountOf(t *testing.T, w way) {
	d := w.deploy(t, brand(1))
	d.signIn(0)
	d.WantRedirect(d.connect("?return_to=/team"), http.StatusSeeOther, "/team?connected="+instagramID(1))
	row := d.row(d.users[0], 1)
	linked := row["auth_user_id"] == row["user_id"]
	if row == nil || row["status"] != "active" || linked != (w.name == "Supabase Auth") {
		t.Errorf("the row: %v, linked to %v", row["user_id"], row["auth_user_id"])
	}
	if len(d.pending()) != 0 {
		t.Errorf("left in the browser: %v", d.pending())
	}
}

// The pages on the way say for whom an account is connected, where the app has said it.
func chooserOf(t *testing.T, w way) {
	d := w.deploy(t, brand(1), brand(2))
	d.signIn(0)
	chooser := d.connect("?lang=en")
	const shown = "<p class=\"quiet\">You connect for <bdi>Ada &lt;b&gt;&amp; Co.&lt;/b&gt;</bdi></p>"
	if named := strings.Contains(chooser.Body, shown); named != (d.names[0] != "") || strings.Contains(chooser.Body, "You connect for") != named {
		t.Errorf("the name is shown: %v\n%s", named, chooser.Body)
	}
	d.WantDone(d.Submit(chooser, choice(2)), "/?connected="+instagramID(2))
	if d.row(d.users[0], 2) == nil || d.row(d.users[0], 1) != nil {
		t.Errorf("rows: %v", slices.Collect(maps.Keys(d.Supabase.Rows())))
	}
}

func reconnectOf(t *testing.T, w way) {
	d := w.deploy(t, brand(1), brand(2))
	d.signIn(0)
	d.WantDone(d.Choose(d.connect("")), "/?connected="+instagramID(1)+","+instagramID(2))
	got := d.ComeBack(d.toCallback("?instagram_id="+instagramID(2), metasim.Approval{}))
	d.WantRedirect(got, http.StatusSeeOther, "/?connected="+instagramID(2))
}

func denialOf(t *testing.T, w way) {
	d := w.deploy(t, brand(1))
	d.signIn(0)
	d.WantRedirect(d.Get(d.toCallback("?return_to=/team", metasim.Approval{Deny: true})), http.StatusSeeOther, "/team?error=access_denied")
}

// Where Supabase is down at the end, the grant keeps for whom it is.
func outageOf(t *testing.T, w way) {
	d := w.deploy(t, brand(1))
	d.signIn(0)
	callback := d.toCallback("", metasim.Approval{})
	d.Supabase.Fault("save", html(502), html(502), html(502))
	failed := d.Get(callback)
	d.want(failed, 503, "store_unavailable")
	d.WantDone(d.Submit(failed, url.Values{}), "/?connected="+instagramID(1))
	if d.row(d.users[0], 1) == nil {
		t.Errorf("rows: %v", slices.Collect(maps.Keys(d.Supabase.Rows())))
	}
}

func twoUsersOf(t *testing.T, w way) {
	d := w.deploy(t, brand(1))
	for n := range d.users {
		d.newSession(n)
		d.WantRedirect(d.connect(""), http.StatusSeeOther, "/?connected="+instagramID(1))
	}
	if d.row(d.users[0], 1) == nil || d.row(d.users[1], 1) == nil {
		t.Errorf("rows: %v", slices.Collect(maps.Keys(d.Supabase.Rows())))
	}
}

// newSession goes on in a new browser, in which a user is signed in.
func (d wayDeployment) newSession(n int) {
	d.newBrowser()
	d.signIn(n)
}

func nobodyOf(t *testing.T, w way) {
	d := w.deploy(t, brand(1))
	d.newBrowser()
	switch w.name {
	case "a ticket": // the app makes sure that somebody is signed in
		begun := d.Get("/api/login?return_to=/team")
		got := d.Get(begun.Location())
		if got.StatusCode != http.StatusFound || !strings.Contains(got.Location(), "/sign-in?next=") {
			t.Errorf("the app: %d to %q", got.StatusCode, got.Location())
		}
	default:
		d.WantError(d.Get("/api/login"), 401, "signed_out")
		d.Set("SIGN_IN_URL", appOrigin+"/sign-in")
		signIn := appOrigin + "/sign-in?return_to=" + url.QueryEscape(d.URL+"/api/login?return_to=%2Fteam")
		d.WantRedirect(d.Get("/api/login?return_to=/team"), http.StatusFound, signIn)
	}
	d.want(d.Send("GET", "/api/login", map[string]string{"Authorization": "Bearer a.b.c"}, ""), 401, "signed_out", "a script")
	d.want(d.Get("/api/accounts"), 401, "signed_out")
}

func accountsOf(t *testing.T, w way) {
	d := w.deploy(t, brand(1), brand(2))
	d.signIn(0)
	d.Choose(d.connect(""))
	for n, want := range []int{2, 0} {
		if got := d.asks(n, "GET", "/api/accounts"); got.StatusCode != 200 || strings.Count(got.Body, `"instagram_id"`) != want {
			t.Errorf("user %d: %d %s, want %d accounts", n, got.StatusCode, got.Body, want)
		}
	}
	path := "/api/accounts?instagram_id=" + instagramID(1)
	d.want(d.asks(1, "DELETE", path), 404, "not_found", "another user's")
	d.want(d.asks(0, "DELETE", path), 204, "")
	if d.row(d.users[0], 1) != nil || d.row(d.users[0], 2) == nil {
		t.Errorf("rows: %v", slices.Collect(maps.Keys(d.Supabase.Rows())))
	}
}

// Who begins is who finishes: an address that somebody else mails is of another browser.
func anotherBrowserOf(t *testing.T, w way) {
	d := w.deploy(t, brand(1))
	d.signIn(0)
	callback := d.toCallback("", metasim.Approval{})
	d.newSession(1)
	d.WantError(d.Get(callback), 400, "state_mismatch")
}

func secondCallbackOf(t *testing.T, w way) {
	d := w.deploy(t, brand(1))
	d.signIn(0)
	callback := d.toCallback("", metasim.Approval{})
	for range 2 {
		d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/?connected="+instagramID(1))
	}
	if len(d.Supabase.Rows()) != 1 {
		t.Errorf("rows: %v", slices.Collect(maps.Keys(d.Supabase.Rows())))
	}
}
