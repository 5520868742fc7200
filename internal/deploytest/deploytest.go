// Package deploytest deploys the functions for a test, with everything around them: a simulated
// Meta, a stand-in for Supabase or Supabase Lite, the simulated platform, and a browser that is
// signed in. Each deployment has an App of its own, so that tests run side by side.
//
//	d := deploytest.New(t, deploytest.Options{Pages: []metasim.Page{deploytest.Brand(1)}})
//	got := d.Connect()
//	d.WantRedirect(got, http.StatusSeeOther, "/?connected="+deploytest.InstagramID(1))
//
// All that a deployment puts out is searched for its secrets when the test ends.
package deploytest

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"igconnect/internal/faultproxy"
	"igconnect/internal/functions"
	"igconnect/internal/leaks"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
	"igconnect/internal/vercelsim"
	"igconnect/lib/app"
	"igconnect/lib/connect"
)

// The settings of every deployment, unless [Options] say otherwise. Nobody may see the secrets.
const (
	AppID       = "1234567890"
	AppSecret   = "an-app-secret-that-nobody-may-see"
	SecretKey   = "sb_secret_that-nobody-may-see"
	VerifyToken = "a-verify-token-that-nobody-may-see"
	CronSecret  = "a-cron-secret-that-nobody-may-see"

	// BrowserKey is a key for browsers, of a gateway whose keys do not show what they are.
	BrowserKey = "a-browser-key-that-nobody-may-see"
)

// Options say how a deployment differs from the usual one.
type Options struct {
	Pages    []metasim.Page    // of the one person at Meta, who has the id 5001
	Person   *metasim.Person   // in the place of that one; nil: it stays
	Settings map[string]string // environment variables besides the usual ones, or in their place
	Provider connect.Provider  // in the place of Facebook Login; nil: it stays
	// Before stands before the deployment on its own origin, as an app does that forwards some
	// paths to it. Nil: nothing does.
	Before func(http.Handler) http.Handler

	// Lite takes the place of the stand-in for Supabase. Its connections are removed first: claims
	// and renewals take from everybody.
	Lite *supalite.Server
	// User of Lite is signed in instead of a new one. Other deployments may share Lite then: only
	// what this user connected is removed, when the test ends, and the tables are not searched for
	// secrets.
	User *supalite.User
	// Authority has the certificates of Meta and Lite, which are then reached over TLS and HTTP/2,
	// by proxies of Faults; the process must trust it. Nil: plain HTTP.
	Authority *faultproxy.Authority
	// Now is the deployment's clock, made from Meta's. Nil: the machine's.
	Now func(*metasim.Sim) func() time.Time
}

// Deployment is the functions with everything around them. [New] makes it.
type Deployment struct {
	T        testing.TB
	Meta     *metasim.Sim
	MetaURL  string
	Supabase *Supabase        // the stand-in; nil with Lite
	Lite     *supalite.Server // nil with the stand-in
	Faults   faultproxy.Group // stands before Lite; with an Authority also before Meta
	User     string           // id of the user who is signed in in Browser
	Account  supalite.User    // the same with Lite, with the session
	URL      string           // of the deployment, without a slash at the end
	Browser  *http.Client     // follows no redirect
	Watch    *leaks.Watch

	options  Options
	settings map[string]string
	app      atomic.Pointer[app.App]
}

// New deploys the functions and signs a user in: [Ada] with the stand-in, a new one with Lite
// unless [Options] name one. Everything ends with the test.
func New(t testing.TB, o Options) *Deployment {
	t.Helper()
	d := &Deployment{T: t, Lite: o.Lite, Watch: leaks.NewWatch(t), options: o}
	d.URL = d.serve(d.Watch.Responses(d.platform()))
	d.Meta = metasim.New(metasim.Config{AppID: AppID, AppSecret: AppSecret, RedirectURIs: []string{d.RedirectURI()}})
	d.Meta.AddPerson(*cmp.Or(o.Person, &metasim.Person{ID: "5001", Name: "Ada", Pages: o.Pages}))
	t.Cleanup(d.Meta.Close)
	t.Cleanup(d.Faults.Close)
	d.MetaURL = d.serveUpstream(d.Faults.Proxy("meta", d.Meta), d.Meta)
	d.settings = map[string]string{
		"FB_APP_ID": AppID, "FB_APP_SECRET": AppSecret, "REDIRECT_URI": d.RedirectURI(),
		"WEBHOOK_VERIFY_TOKEN": VerifyToken, "CRON_SECRET": CronSecret,
		"FB_GRAPH_URL": d.MetaURL, "FB_DIALOG_URL": d.MetaURL,
	}
	if d.Browser = NewBrowser(t); o.Lite == nil {
		d.Supabase = &Supabase{
			inbox: Inbox{known: map[string]bool{}, locked: map[string]bool{}},
			table: map[string]map[string]any{}, faults: map[string][]http.HandlerFunc{},
			always: map[string]http.HandlerFunc{}, ended: t.Context().Done(),
		}
		d.settings["SUPABASE_URL"], d.settings["SUPABASE_SECRET_KEY"] = d.serve(d.Watch.RequestURLs(d.Supabase)), SecretKey
		d.Watch.Know(map[string]string{"the session of Ada": Session(Ada), "the session of Ben": Session(Ben)})
		d.SignIn(Ada)
	} else {
		d.useLite()
	}
	t.Cleanup(d.knowSecrets)
	maps.Copy(d.settings, o.Settings)
	d.wire()
	return d
}

// useLite puts Lite into the settings and signs a user of it in.
func (d *Deployment) useLite() {
	proxy := d.Faults.Proxy("supabase", faultproxy.To(d.Lite.URL))
	d.settings["SUPABASE_URL"], d.settings["SUPABASE_SECRET_KEY"] = d.serveUpstream(proxy, proxy), d.Lite.ServiceKey
	if d.options.User == nil {
		d.SQL("delete from public.user_configs")
		// And what tells of that.
		d.SQL("delete from public.instagram_events where kind = 'connection'")
		d.SQL("delete from public.instagram_conversations where user_id is not null")
		d.SignUp()
		return
	}
	d.signInLite(*d.options.User)
	d.T.Cleanup(func() { // the context of the test has ended then
		_, err := d.Lite.SQL(context.Background(), "delete from public.user_configs where user_id = $1", d.options.User.ID)
		if err != nil {
			d.T.Error(err)
		}
	})
}

// platform is the simulated platform with all functions, each of them with the App of the moment.
func (d *Deployment) platform() http.Handler {
	root, err := vercelsim.FindRoot()
	if err != nil {
		d.T.Fatal(err)
	}
	platform, err := vercelsim.Open(root, functions.With(d.App))
	if err != nil {
		d.T.Fatal(err)
	}
	platform.OnPanic = func(v any) { d.T.Errorf("a function panicked, which ends the process: %v", v) }
	if d.options.Before != nil {
		return d.options.Before(platform)
	}
	return platform
}

func (d *Deployment) serve(handler http.Handler) string {
	server := httptest.NewServer(handler)
	d.T.Cleanup(server.Close)
	return server.URL
}

// serveUpstream serves the proxy of an upstream over TLS, or, without an Authority, the handler
// plain. The URLs of all calls are seen, over TLS from the proxy's records.
func (d *Deployment) serveUpstream(proxy *faultproxy.Proxy, plain http.Handler) string {
	d.T.Helper()
	if d.options.Authority == nil {
		return d.serve(d.Watch.RequestURLs(plain))
	}
	d.Faults.Recording = true
	address, err := proxy.Listen(d.options.Authority)
	if err != nil {
		d.T.Fatal(err)
	}
	return address
}

// wire makes the App of the settings, whose secrets nobody may see.
func (d *Deployment) wire() {
	d.T.Helper()
	for _, name := range []string{"FB_APP_SECRET", "SUPABASE_SECRET_KEY", "WEBHOOK_VERIFY_TOKEN", "CRON_SECRET"} {
		for value := range strings.SplitSeq(d.settings[name], ",") {
			if value = strings.TrimSpace(value); len(value) >= 8 {
				d.Watch.Know(map[string]string{name + " " + value[len(value)-4:]: value})
			}
		}
	}
	log := slog.New(slog.NewJSONHandler(d.Watch.LogWriter(), nil))
	o := app.Options{Getenv: d.Setting, Log: log, Provider: d.options.Provider}
	if d.options.Now != nil {
		o.Now = d.options.Now(d.Meta)
	}
	wired, err := app.New(o)
	if err != nil {
		d.T.Fatal(err)
	}
	d.app.Store(wired)
}

// App is what serves the requests at the moment.
func (d *Deployment) App() *app.App { return d.app.Load() }

// Set changes an environment variable, as a new deployment would: "" unsets it.
func (d *Deployment) Set(name, value string) {
	d.T.Helper()
	d.settings[name] = value
	d.wire()
}

// Setting is the value of an environment variable.
func (d *Deployment) Setting(name string) string { return d.settings[name] }

// RedirectURI is where Meta sends people back to.
func (d *Deployment) RedirectURI() string { return d.URL + "/api/auth/callback" }

// SQL runs a query in Lite, beside everything that guards the data.
func (d *Deployment) SQL(query string, args ...any) []map[string]any {
	d.T.Helper()
	rows, err := d.Lite.SQL(d.T.Context(), query, args...)
	if err != nil {
		d.T.Fatal(err)
	}
	return rows
}

// SignUp makes a new user in Lite and signs in as that one.
func (d *Deployment) SignUp() {
	d.T.Helper()
	user, err := d.Lite.SignUp(d.T.Context(), uuid.NewString()+"@example.com", "a-password-for-tests")
	if err != nil {
		d.T.Fatal(err)
	}
	d.signInLite(user)
}

func (d *Deployment) signInLite(user supalite.User) {
	d.Account, d.User = user, user.ID
	d.Watch.Know(map[string]string{"the session of " + user.ID: user.AccessToken, "the refresh token of " + user.ID: user.RefreshToken})
	d.SetCookie(sessionCookie, encodedSession(user.Session))
}

// knowSecrets tells the search for leaks what nobody may see of Meta's and in the database.
func (d *Deployment) knowSecrets() {
	d.Watch.Know(leaks.Numbered("of Meta's", d.Meta.Secrets()))
	for _, call := range d.Faults.Records() {
		if address, err := url.Parse(call.URL); err == nil { // it came from a request
			d.Watch.SeeURL(address)
		}
	}
	if d.Lite != nil && d.options.User == nil { // or others' rows would be searched
		d.Watch.SeeDatabase(d.Lite)
	}
}

// Brand is the n-th Page of a person, with its Instagram account.
func Brand(n int) metasim.Page {
	account := &metasim.Instagram{ID: InstagramID(n), Username: fmt.Sprint("brand_", n), Name: fmt.Sprint("Brand ", n)}
	return metasim.Page{ID: fmt.Sprintf("20%03d", n), Name: fmt.Sprint("Page ", n), Instagram: account}
}

// Brands are the Pages [Brand] from to last.
func Brands(from, last int) []metasim.Page {
	var pages []metasim.Page
	for n := from; n <= last; n++ {
		pages = append(pages, Brand(n))
	}
	return pages
}

// InstagramID is the id of the account of [Brand] n.
func InstagramID(n int) string { return fmt.Sprintf("17841400000000%03d", n) }
