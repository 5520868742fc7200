package api_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"igconnect/internal/appsim"
)

// nonceOf is the nonce with which a login was sent to the app.
func nonceOf(t *testing.T, begun answer) string {
	t.Helper()
	address, err := url.Parse(begun.Location())
	if err != nil || address.Query().Get("nonce") == "" {
		t.Fatalf("%d %s leads to %q", begun.StatusCode, begun.Code(), begun.Location())
	}
	return address.Query().Get("nonce")
}

// A login goes to the app with a nonce that tells nothing of the state, and whatever else is asked for
// stays sealed in this browser.
func TestSentToTheApp(t *testing.T) {
	t.Parallel()
	d, _ := deployVouched(t, brand(1))
	d.Set("VOUCH_URL", d.at+"/instagram/vouch?from=connect")
	d.Set("SIGN_IN_URL", "/sign-in") // VOUCH_URL wins
	begun := d.Get("/api/login?return_to=/team&lang=de")
	address, err := url.Parse(begun.Location())
	if err != nil || begun.StatusCode != http.StatusFound || len(address.Query()) != 2 || address.Query().Get("from") != "connect" {
		t.Fatalf("%d to %q", begun.StatusCode, begun.Location())
	}
	flow, proof, _ := strings.Cut(nonceOf(t, begun), ".")
	sum, err := base64.RawURLEncoding.DecodeString(proof)
	if pending := d.pending(); len(pending) != 1 || pending[0].Name != "igconnect_state_"+flow || len(sum) != 32 || err != nil {
		t.Errorf("the nonce %q, the cookies %v", nonceOf(t, begun), pending)
	}
	d.signIn(1)
	d.WantRedirect(d.Get(d.approve(d.Get(d.vouch(begun)).Location())), http.StatusSeeOther, "/team?connected="+instagramID(1))
}

// wrongTickets are tickets that are refused, for a browser with the nonce, and why.
var wrongTickets = map[string]struct {
	make func(app *appsim.App, nonce string) string
	code string
	log  string
}{
	"of another browser": {func(app *appsim.App, nonce string) string {
		return app.Ticket(people[1], "0123456789abcdef."+strings.Repeat("A", 43))
	}, "state_mismatch", "unreadable seal"},
	"of this flow and another state": {func(app *appsim.App, nonce string) string {
		flow, _, _ := strings.Cut(nonce, ".")
		return app.Ticket(people[1], flow+"."+strings.Repeat("A", 43))
	}, "state_mismatch", "the nonce differs"},
	"whose nonce is only the flow": {func(app *appsim.App, nonce string) string {
		flow, _, _ := strings.Cut(nonce, ".")
		return app.Ticket(people[1], flow)
	}, "state_mismatch", "the nonce differs"},
	"without a nonce: a link to mail": {func(app *appsim.App, _ string) string { return app.ServerTicket("42") }, "ticket_rejected", "no nonce"},
	"that has run out": {func(app *appsim.App, nonce string) string {
		return app.Ticket(people[1], nonce, appsim.Claims{"exp": time.Now().Add(-11 * time.Second).Unix()})
	}, "ticket_rejected", "expired"},
	"that lives too long": {func(app *appsim.App, nonce string) string {
		return app.Ticket(people[1], nonce, appsim.Claims{"exp": time.Now().Add(6 * time.Minute).Unix()})
	}, "ticket_rejected", "more than 5 minutes"},
	"that never ends": {func(app *appsim.App, nonce string) string {
		return app.Ticket(people[1], nonce, appsim.Claims{"exp": nil})
	}, "ticket_rejected", "exp"},
	"for another deployment": {func(app *appsim.App, nonce string) string {
		return app.Ticket(people[1], nonce, appsim.Claims{"aud": "https://other.example"})
	}, "ticket_rejected", "audience"},
	"of nobody": {func(app *appsim.App, nonce string) string {
		return app.Ticket(people[1], nonce, appsim.Claims{"sub": ""})
	}, "ticket_rejected", "empty"},
	"whose user has a control character": {func(app *appsim.App, nonce string) string {
		return app.Ticket(appsim.Person{ID: "a\nb"}, nonce)
	}, "ticket_rejected", "control character"},
	"whose user has 256 characters": {func(app *appsim.App, nonce string) string {
		return app.Ticket(appsim.Person{ID: strings.Repeat("ü", 256)}, nonce)
	}, "ticket_rejected", "255"},
	"whose user is a number": {func(app *appsim.App, nonce string) string {
		return app.Ticket(people[1], nonce, appsim.Claims{"sub": 42})
	}, "ticket_rejected", "sub"},
	"with another secret": {func(app *appsim.App, nonce string) string {
		other := appsim.App{Igconnect: app.Igconnect, Secret: strings.ToUpper(vouchSecret)}
		return other.Ticket(people[1], nonce)
	}, "ticket_rejected", "signature"},
	"that is cut short": {func(app *appsim.App, nonce string) string {
		ticket := app.Ticket(people[1], nonce)
		return ticket[:len(ticket)-2]
	}, "ticket_rejected", ""},
	"that is nothing":          {func(*appsim.App, string) string { return "" }, "ticket_rejected", ""},
	"that is 8 KB of dots":     {func(*appsim.App, string) string { return strings.Repeat(".", 8<<10) }, "ticket_rejected", ""},
	"that says it has no key":  {func(app *appsim.App, nonce string) string { return unsigned(app.Ticket(people[1], nonce)) }, "ticket_rejected", "HS256"},
	"that is not well escaped": {func(*appsim.App, string) string { return "%zz" }, "ticket_rejected", ""},
}

// unsigned is a token with the algorithm none.
func unsigned(token string) string {
	parts := strings.Split(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
}

// A ticket that is refused changes no cookie, leads nowhere, and leaves the login open for the right one.
func TestWrongTickets(t *testing.T) {
	t.Parallel()
	for name, c := range wrongTickets {
		parallel(t, name, func(t *testing.T) {
			d, app := deployVouched(t, brand(1))
			d.signIn(1)
			begun := d.Get("/api/login?return_to=/team")
			ticket := c.make(app, nonceOf(t, begun))
			got := d.Get("/api/login?ticket=" + ticket)
			d.WantError(got, map[string]int{"ticket_rejected": 401, "state_mismatch": 400}[c.code], c.code)
			if len(got.Cookies()) != 0 || got.Location() != "" {
				t.Errorf("cookies %v, to %q", got.Cookies(), got.Location())
			}
			if !strings.Contains(d.Watch.Log(), c.log) || len(ticket) > 10 && strings.Contains(d.Watch.Log(), ticket[len(ticket)-10:]) {
				t.Errorf("the log should say %q, and nothing of the ticket: %s", c.log, d.Watch.Log())
			}
			dialog := d.Get(d.vouch(begun))
			d.WantRedirect(d.Get(d.approve(dialog.Location())), http.StatusSeeOther, "/team?connected="+instagramID(1))
		})
	}
}

// A ticket works once, in one browser, and only after a login was begun there. Two in one address are none.
func TestTicketOnce(t *testing.T) {
	t.Parallel()
	d, app := deployVouched(t, brand(1))
	d.signIn(1)
	back := d.vouch(d.Get("/api/login"))
	ticket := strings.TrimPrefix(back, d.URL+"/api/login?ticket=")
	for _, query := range []string{"ticket=" + ticket + "&ticket=" + ticket, "ticket=" + ticket + "&ticket", "ticket&ticket"} {
		d.want(d.Get("/api/login?"+query), 401, "ticket_rejected", query[:10])
	}
	victim := d.Browser
	d.newBrowser() // whoever is mailed the address
	d.want(d.Get(back), 400, "state_mismatch", "in another browser")
	d.Get("/api/login") // also with a login of its own
	d.want(d.Get(back), 400, "state_mismatch", "in another browser that has begun")
	d.Browser = victim

	dialog := d.Get(back + "&return_to=https://evil.example/&lang=xx&instagram_id=***") // all else is sealed
	if dialog.StatusCode != http.StatusFound {
		t.Fatalf("%d %s", dialog.StatusCode, dialog.Code())
	}
	d.want(d.Get(back), 400, "state_mismatch", "a second time")
	other := app.Ticket(people[0], nonceOf(t, d.Get("/api/login")))
	d.WantRedirect(d.Get(d.approve(dialog.Location())), http.StatusSeeOther, "/?connected="+instagramID(1))
	d.want(d.Get(back), 400, "state_mismatch", "afterwards")
	if d.row("42", 1) == nil || len(d.Supabase.Rows()) != 1 {
		t.Error("another user's row")
	}
	d.want(d.Get("/api/login?ticket="+other), 302, "", "another login of this browser")
}

// Nobody reaches Meta's dialog, or comes back from it, with a login for which nobody has vouched.
func TestStateWithoutItsUser(t *testing.T) {
	t.Parallel()
	d, _ := deployVouched(t, brand(1))
	d.signIn(1)
	waiting := d.Get("/api/login")
	flow, proof, _ := strings.Cut(nonceOf(t, waiting), ".")
	for _, sent := range []string{flow, flow + "." + proof, proof} {
		d.WantError(d.Get("/api/callback?code=x&state="+url.QueryEscape(sent)), 400, "state_mismatch")
	}
}

// A login that an attacker has begun does not end in the victim's browser, wherever on its way it is
// handed over, nor the other way round: nothing of the victim's reaches the attacker's user.
func TestHandedOver(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(d vouched, attacker, victim *http.Client) answer{
		"the address of the app": func(d vouched, attacker, victim *http.Client) answer {
			d.Browser = attacker
			begun := d.Get("/api/login")
			d.Browser = victim
			return d.Get(d.vouch(begun)) // the app vouches for the victim, with the attacker's nonce
		},
		"the attacker's ticket": func(d vouched, attacker, victim *http.Client) answer {
			d.Browser = attacker
			back := d.vouch(d.Get("/api/login"))
			d.Browser = victim
			d.Get("/api/login")
			return d.Get(back)
		},
		"the attacker's dialog": func(d vouched, attacker, victim *http.Client) answer {
			d.Browser = attacker
			dialog := d.Get(d.vouch(d.Get("/api/login")))
			d.Browser = victim
			return d.Get(d.approve(dialog.Location()))
		},
		"the victim's ticket, out of a log": func(d vouched, attacker, victim *http.Client) answer {
			d.Browser = victim
			back := d.vouch(d.Get("/api/login"))
			d.Browser = attacker
			d.Get("/api/login")
			return d.Get(back)
		},
	} {
		parallel(t, name, func(t *testing.T) {
			d, _ := deployVouched(t, brand(1))
			attacker := d.Browser
			d.signIn(0)
			d.newBrowser()
			d.signIn(1)
			d.WantError(test(d, attacker, d.Browser), 400, "state_mismatch")
		})
	}
}

// Where nothing is set, a ticket is ignored like any other name; with a ticket's secret alone, too.
func TestTicketOfNobody(t *testing.T) {
	t.Parallel()
	d := deployWith(t, map[string]string{"VOUCH_SECRET": vouchSecret}, brand(1))
	app := appsim.App{Igconnect: d.URL, Secret: vouchSecret}
	d.want(d.Get("/api/login?ticket="+app.Ticket(people[1], "x.y")), 302, "")
	d.newBrowser()
	d.WantError(d.Get("/api/login?ticket="+app.Ticket(people[1], "x.y")), 401, "signed_out")
	d.WantError(d.Send("GET", "/api/accounts", bearerOf(app.ServerTicket(ada)), ""), 401, "signed_out")
}

func bearerOf(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

// A ticket with a nonce is for /api/login's address alone, one without for /api/accounts alone. Scripts
// are never sent to the app, and a form that posts a token is not either.
func TestTicketsPlace(t *testing.T) {
	t.Parallel()
	d, app := deployVouched(t, brand(1))
	d.Set("ALLOWED_ORIGINS", appOrigin)
	nonce := nonceOf(t, d.Get("/api/login"))
	d.newBrowser()
	for name, token := range map[string]string{
		"without a nonce": app.ServerTicket("42"), "with a nonce": app.Ticket(people[1], nonce), "no ticket": "a.b.c", "nothing": "",
	} {
		d.want(d.Send("GET", "/api/login", bearerOf(token), ""), 401, "signed_out", name)
		got := d.sendForm("/api/login", from(appOrigin), url.Values{"access_token": {token}})
		if token == "" { // it says nothing about who it is
			d.want(got, 302, "", name)
		} else {
			d.want(got, 401, "signed_out", name)
		}
		if name != "without a nonce" {
			d.want(d.Send("GET", "/api/accounts", bearerOf(token), ""), 401, "signed_out", name)
		}
	}
	d.want(d.Send("GET", "/api/accounts", bearerOf(app.ServerTicket("42")), ""), 200, "")
	for _, nonce := range []any{"", "x", 1} {
		d.want(d.Send("GET", "/api/accounts", bearerOf(app.ServerTicket("42", appsim.Claims{"nonce": nonce})), ""), 401, "signed_out", nonce)
	}
	got := d.Send("GET", "/api/login?ticket="+app.ServerTicket("42"), map[string]string{"Accept": "application/json"}, "")
	d.want(got, 401, "ticket_rejected")
}

// A prefetch of the address with a ticket does not use it up.
func TestTicketPrefetched(t *testing.T) {
	t.Parallel()
	d, _ := deployVouched(t, brand(1))
	d.signIn(1)
	back := d.vouch(d.Get("/api/login"))
	if got := d.Send("GET", back, map[string]string{"Sec-Purpose": "prefetch"}, ""); got.StatusCode != 204 || len(got.Cookies()) != 0 {
		t.Errorf("%d with %v", got.StatusCode, got.Cookies())
	}
	d.want(d.Get(back), 302, "")
}

// The secret changes without anybody's login ending, and a ticket of the older one is good meanwhile.
func TestVouchSecretChanges(t *testing.T) {
	t.Parallel()
	d, _ := deployVouched(t, brand(1))
	d.signIn(1)
	back := d.vouch(d.Get("/api/login"))
	d.Set("VOUCH_SECRET", strings.ToUpper(vouchSecret)+", "+vouchSecret)
	d.want(d.Get(back), 302, "")
	d.Set("VOUCH_SECRET", strings.ToUpper(vouchSecret))
	d.want(d.Get(d.vouch(d.Get("/api/login"))), 401, "ticket_rejected")
	for _, broken := range []string{"", "short", vouchSecret + ",short"} {
		d.Set("VOUCH_SECRET", broken)
		d.WantError(d.Get("/api/login"), 500, "misconfigured")
	}
}

// The longest id and name that there are go through all cookies.
func TestLongTicket(t *testing.T) {
	t.Parallel()
	d, app := deployVouched(t, brand(1), brand(2))
	for _, letter := range []string{"\U0001d11e", "\u2028", `"`, "<"} {
		person := appsim.Person{ID: strings.Repeat(letter, 255), Name: strings.Repeat(letter, 200)}
		begun := d.Get("/api/login?return_to=/" + strings.Repeat("x", 500))
		dialog := d.Get("/api/login?ticket=" + app.Ticket(person, nonceOf(t, begun)))
		if dialog.StatusCode != http.StatusFound {
			t.Errorf("%q: %d %s", letter, dialog.StatusCode, dialog.Code())
			continue
		}
		chooser := d.ComeBack(d.approve(dialog.Location()))
		got := d.Submit(chooser, choice(2))
		if d.row(person.ID, 2) == nil || got.StatusCode != http.StatusSeeOther {
			t.Errorf("%q: %d %s", letter, got.StatusCode, got.Code())
		}
	}
}
