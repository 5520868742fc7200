package appsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// openTicket returns the claims of a ticket that is signed with the secret.
func openTicket(t *testing.T, ticket string) map[string]any {
	t.Helper()
	header, claims, input, signature := open(t, ticket)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(input))
	if header["alg"] != "HS256" || string(mac.Sum(nil)) != signature {
		t.Errorf("alg %v, or a wrong signature", header["alg"])
	}
	return claims
}

// TestVouch goes the way of a person who is not signed in yet, on the app's own host and below a
// path of igconnect's.
func TestVouch(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/dev/app"} {
		b := newBrowser(t, &App{Secret: secret, Prefix: prefix})
		settings := map[string]string{"VOUCH_URL": b.url + "/instagram/vouch", "VOUCH_SECRET": secret}
		if diff := cmp.Diff(settings, b.Settings(b.url)); diff != "" {
			t.Errorf("the settings (-want +got):\n%s", diff)
		}
		const asked = "/instagram/vouch?nonce=flow.n%2B%2Fce&return_to=https%3A%2F%2Fevil.example%2F"
		first := b.get(asked)
		to, err := url.Parse(first.location)
		if err != nil || first.status != http.StatusFound || to.Path != prefix+"/sign-in" || to.Host != "" {
			t.Fatalf("without a session: %d to %s", first.status, first.location)
		}
		if page := b.get(strings.TrimPrefix(first.location, prefix)); page.status != http.StatusOK ||
			!strings.Contains(page.body, ">Ada</button>") || !strings.Contains(page.body, ">Ben</button>") {
			t.Errorf("the sign-in page: status %d\n%s", page.status, page.body)
		}
		back := b.post("/sign-in", url.Values{"next": {to.Query().Get("next")}, "person": {"user_ben"}})
		if back.status != http.StatusSeeOther || back.location != prefix+asked {
			t.Fatalf("signed in: %d to %s", back.status, back.location)
		}

		vouched := b.get(asked)
		ticket, ours := strings.CutPrefix(vouched.location, igconnect+"/api/login?ticket=")
		if vouched.status != http.StatusFound || !ours {
			t.Fatalf("with a session: %d to %s", vouched.status, vouched.location)
		}
		want := map[string]any{
			"sub": "user_ben", "name": "Ben", "aud": igconnect, "nonce": "flow.n+/ce",
			"iat": float64(start.Unix()), "exp": float64(start.Unix() + 60),
		}
		if diff := cmp.Diff(want, openTicket(t, ticket)); diff != "" {
			t.Errorf("the ticket (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{ticket}, b.Secrets()); diff != "" {
			t.Errorf("the tickets signed (-want +got):\n%s", diff)
		}
		if without := b.get("/instagram/vouch"); without.status != http.StatusBadRequest {
			t.Errorf("without a nonce: status %d", without.status)
		}

		b.post("/sign-out", nil)
		if out := b.get(asked); out.location != first.location {
			t.Errorf("signed out: to %s", out.location)
		}
	}
}

// TestMistakes shows the two mistakes that the doctor looks for, and that they are made only where
// they were asked for.
func TestMistakes(t *testing.T) {
	t.Parallel()
	const evil = "https://evil.example/in?a=b"
	for _, test := range []struct {
		name                           string
		strangers, redirects, signedIn bool
		want                           string // how the location begins
		ticket                         bool
	}{
		{"none, no session", false, false, false, "/sign-in?next=", false},
		{"none", false, false, true, igconnect + "/api/login?", true},
		{"for strangers", true, false, false, igconnect + "/api/login?", true},
		{"open redirect, no session", false, true, false, evil, false},
		{"open redirect", false, true, true, evil, true},
		{"both", true, true, false, evil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t, &App{Secret: secret, VouchesForStrangers: test.strangers, OpenRedirect: test.redirects})
			if test.signedIn {
				b.post("/sign-in", url.Values{"person": {"user_ada"}})
			}
			got := b.get("/instagram/vouch?" + url.Values{"nonce": {"n"}, "redirect_uri": {evil}}.Encode()).location
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("to %s, want %s", got, test.want)
			}
			location, err := url.Parse(got)
			if err != nil {
				t.Fatal(err)
			}
			if ticket := location.Query().Get("ticket"); !test.ticket && ticket != "" {
				t.Error("a ticket")
			} else if test.ticket && openTicket(t, ticket)["sub"] != "user_ada" {
				t.Error("a ticket of somebody else")
			}
		})
	}
}

func TestServerTicket(t *testing.T) {
	t.Parallel()
	app := &App{Igconnect: igconnect, Secret: secret, Now: atStart}
	iat, exp := float64(start.Unix()), float64(start.Unix()+60)
	for _, test := range []struct {
		name, ticket string
		want         map[string]any
	}{
		{"of the server", app.ServerTicket("a/b|c"), map[string]any{"sub": "a/b|c", "aud": igconnect, "iat": iat, "exp": exp}},
		{"changed", app.ServerTicket("ada", Claims{"iat": nil, "aud": "x"}), map[string]any{"sub": "ada", "aud": "x", "exp": exp}},
		{"for a browser, without a name", app.Ticket(Person{ID: "ada"}, "n"),
			map[string]any{"sub": "ada", "aud": igconnect, "iat": iat, "exp": exp, "nonce": "n"}},
		{"for a browser, changed", app.Ticket(Person{ID: "ada", Name: "Ada"}, "n", Claims{"nonce": nil}),
			map[string]any{"sub": "ada", "name": "Ada", "aud": igconnect, "iat": iat, "exp": exp}},
	} {
		if diff := cmp.Diff(test.want, openTicket(t, test.ticket)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
