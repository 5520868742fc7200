package main

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/appsim"
	"igconnect/internal/deploytest"
)

const vouchSecret = "a-vouch-secret-that-nobody-may-see"

// vouching is a deployment that sends people to an app, and a doctor before it.
func vouching(t *testing.T, app http.Handler) *doctor {
	t.Helper()
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	at := deploytest.New(t, deploytest.Options{Settings: map[string]string{"VOUCH_URL": server.URL + "/instagram/vouch", "VOUCH_SECRET": vouchSecret}})
	if sim, ok := app.(*appsim.App); ok {
		sim.Igconnect = at.URL
	}
	d, err := newDoctor(at.URL, "", func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const (
	forStrangers = "wrong strangers get no ticket: The app vouches for strangers: there is a ticket in its " +
		"answer to a request without any cookie. " +
		"Whoever asks connects accounts to that user."
	ledAway = "wrong the query leads nobody away: It leads to an address out of the query, in return_to: " +
		"a link with somebody else's address there can give him the ticket."
)

// The doctor sees both mistakes of an app whose backend vouches for its users, and no mistake where
// there is none.
func TestVouch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                    string
		forStrangers, ledByLink bool
		want                    []string
	}{
		{"a good app", false, false, []string{}},
		{"an app that vouches for strangers", true, false, []string{forStrangers}},
		{"an app that leads away", false, true, []string{ledAway}},
		{"both", true, true, []string{forStrangers, ledAway}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := vouching(t, &appsim.App{
				Secret: vouchSecret, People: appsim.Demo(), VouchesForStrangers: c.forStrangers, OpenRedirect: c.ledByLink,
			})
			checks := d.vouch(t.Context())
			if diff := cmp.Diff(c.want, notPassed(checks)); diff != "" || len(checks) != 2 {
				t.Errorf("%v\n%s", checks, diff)
			}
			for _, check := range checks {
				if check.State == isWrong && !strings.Contains(check.Fix,
					"In the route at VOUCH_URL") || strings.Contains(check.Problem+check.Fix, "eyJ") {
					t.Error(check)
				}
			}
			login := []string{"unchecked permissions: Only a signed-in person sees Meta's dialog: compare " +
				"the scope in its address with docs/setup-meta.md, step 4."}
			if diff := cmp.Diff(login, notPassed(d.login(t.Context()))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Other answers of what should be the app's route.
func TestVouchRoutes(t *testing.T) {
	t.Parallel()
	ticket := func(claims string) string {
		part := base64.RawURLEncoding.EncodeToString
		return part([]byte(`{"alg":"HS256"}`)) + "." + part([]byte(claims)) + ".c2ln"
	}
	leads := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
	}
	says := func(format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			said := ticket(`{"nonce":"` + r.URL.Query().Get("nonce") + `"}`)
			_, _ = io.WriteString(w, strings.ReplaceAll(format, "TICKET", said))
		}
	}
	const gone = "wrong VOUCH_URL: It answers "
	for _, c := range []struct {
		name  string
		route http.HandlerFunc
		want  string
	}{
		{"a sign-in page", answering(200, nil, "<form>100% yours</form>"), ""},
		{"a sign-in of somebody else's, which carries the query", func(w http.ResponseWriter, r *http.Request) {
			leads("https://id.example.com/authorize?state=xyz&back="+r.URL.Query().Get("next"))(w, r)
		}, ""},
		{"a page with a key of Supabase's", answering(200, nil,
			`<script>key="`+ticket(`{"iss":"supabase","role":"anon"}`)+`"</script>`), ""},
		{"a stranger's own session, in a cookie", answering(200, map[string]string{"Set-Cookie": "s=" + ticket(`{"sub":"anonymous"}`)}, ""), ""},
		{"a login of the app's own", leads("https://app.example.com/api/login?ticket=7"), ""},
		{"a slash at the end", func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/") {
				http.Redirect(w, r, r.URL.Path+"/?"+r.URL.RawQuery, http.StatusPermanentRedirect)
				return
			}
			says("TICKET")(w, r)
		}, forStrangers},
		{"a ticket in JSON", says(`{"ticket":"TICKET"}`), forStrangers},
		{"a ticket in a link", says(`<a href="/x?to=%2Fapi%2Flogin%3Fticket%3DTICKET">100% sure</a>`), forStrangers},
		{"a ticket for some server", answering(200, map[string]string{"X-Ticket": ticket(`{"sub":"ada"}`)},
			""), forStrangers},
		{"a ticket in the sign-in's query", leads("/sign-in?next=/vouch%3Fticket%3D" + ticket(`{"sub":"ada"}`)), forStrangers},
		{"nothing there", http.NotFound, gone + "404."},
		{"broken", answering(500, nil, "<h1>Sorry</h1>"), gone + "500."},
		{"POST alone", answering(405, nil, ""), gone + "405."},
		{"a redirect to nowhere", answering(302, nil, ""), gone + "302 and leads nowhere."},
		{"a refusal", answering(401, nil, `{"error":"signed out"}`),
			"note strangers get no ticket: It answers them 401, so people who are not signed in end there. " +
				"Let it lead to your sign-in, and from there back to the same address."},
		{"a hang-up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"wrong VOUCH_URL: Nothing answers there: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			checks := vouching(t, c.route).vouch(t.Context())
			if got := strings.Join(notPassed(checks), "\n"); got != c.want && (!strings.HasSuffix(c.want,
				": ") || !strings.HasPrefix(got, c.want)) {
				t.Errorf("%s", got)
			}
			if checks[0].Name == "VOUCH_URL" && (len(checks) != 1 || !strings.Contains(checks[0].Fix,
				"Set VOUCH_URL")) {
				t.Errorf("%v", checks)
			}
		})
	}
}

// What comes back here: a ticket that is none, and no ticket.
func TestVouchLeadsBack(t *testing.T) {
	t.Parallel()
	var here string
	var query string
	d := vouching(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, here+"/api/login"+query, http.StatusFound)
	}))
	here = d.url
	for query = range map[string]bool{"?ticket=anything": true, "?return_to=/": true} {
		want := forStrangers
		if !strings.Contains(query, "ticket") {
			want = "wrong strangers get no ticket: It leads strangers back here without a ticket, and they " +
				"are sent there again."
		}
		if diff := cmp.Diff([]string{want}, notPassed(d.vouch(t.Context()))); diff != "" {
			t.Error(diff)
		}
	}
}

// Where VOUCH_URL is not set there is nothing to look at, whatever a login leads to.
func TestVouchUnset(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]bool{
		"": false, "/vouch?nonce=n": false, "https://app.example/sign-in?return_to=x": false,
		"https://www.facebook.com/v24.0/dialog/oauth?nonce=n": false, "https://app.example/vouch?nonce=": false,
		"https://app.example/vouch?nonce=n": true,
	} {
		if got := vouchURL(answer{status: 302, header: http.Header{"Location": {location}}}); (got != nil) != want {
			t.Errorf("%q: %v", location, got)
		}
	}
	d, _ := testDoctor(t)
	if checks := d.vouch(t.Context()); checks != nil {
		t.Error(checks)
	}
}
