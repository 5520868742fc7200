package connect_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/leaks"
	"igconnect/internal/supalite/supalitetest"
	"igconnect/lib/connect"
	"igconnect/lib/graph"
	"igconnect/lib/secret"
)

// pageless is a login without Pages: its one person has one account, whose own token acts for it. It
// makes no call.
type pageless struct {
	t *testing.T

	mu    sync.Mutex
	ends  map[string]time.Time // of the tokens given out
	calls []string
}

var (
	_ connect.Provider = (*pageless)(nil)

	ownAccount = graph.Account{InstagramID: deploytest.InstagramID(1), Username: "brand_1", Name: "Brand 1", Fields: []string{"messages"}}
	ownScopes  = []string{"instagram_business_basic", "instagram_business_manage_messages"}
)

const ownCode, ownPerson = "the-code-of-the-person", "9001"

// give gives out a token for so many days.
func (p *pageless) give(kind string, days int) graph.Token {
	p.mu.Lock()
	defer p.mu.Unlock()
	value := fmt.Sprintf("%s-token-number-%d", kind, len(p.ends)+1)
	p.ends[value] = time.Now().Add(time.Duration(days) * 24 * time.Hour).Truncate(time.Second)
	return graph.Token{Value: secret.New(value), Expires: p.ends[value]}
}

// call notes a call, and fails the test where the token is none that was given out.
func (p *pageless) call(name string, token secret.String) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, name)
	if _, known := p.ends[token.Reveal()]; !known {
		p.t.Errorf("%s came with a token that was never given out", name)
	}
}

// about notes a call about the account.
func (p *pageless) about(name string, account graph.Account) {
	p.call(name, account.Token)
	if account.InstagramID != ownAccount.InstagramID || account.Page != nil {
		p.t.Errorf("%s came for %+v", name, account)
	}
}

// wantCalls checks the calls since the last time.
func (p *pageless) wantCalls(want string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.Sort(p.calls) // some are made side by side
	if got := strings.Join(p.calls, " "); got != want {
		p.t.Errorf("asked for %s, want %s", got, want)
	}
	p.calls = nil
}

func (p *pageless) AuthCodeURL(state string) string {
	return "https://login.example/dialog?" + url.Values{"state": {state}}.Encode()
}

func (p *pageless) Exchange(_ context.Context, code string) (graph.Token, error) {
	if code != ownCode {
		p.t.Errorf("the code is %q", code)
	}
	return p.give("short", 0), nil
}

func (p *pageless) Extend(_ context.Context, token secret.String) (graph.Token, error) {
	p.call("extend", token)
	if strings.HasPrefix(token.Reveal(), "short") {
		return p.give("first", 10), nil // so that the renewal extends it
	}
	return p.give("renewed", 60), nil
}

func (p *pageless) Accounts(_ context.Context, token graph.Token) (graph.Found, error) {
	p.call("accounts", token.Value)
	account := ownAccount
	account.Token = token.Value
	return graph.Found{
		Person: graph.Person{ID: ownPerson, Name: "Brand 1"}, Granted: ownScopes, Accounts: []graph.Account{account},
		Expires: token.Expires, Asked: time.Now(), AllNamed: true,
	}, nil
}

func (p *pageless) Covers(context.Context, secret.String, graph.Found, string) bool {
	p.t.Error("there is no Page that a grant could cover")
	return false
}

func (p *pageless) Subscribe(_ context.Context, account graph.Account) ([]string, error) {
	p.about("subscribe", account)
	return account.Fields, nil
}

func (p *pageless) Unsubscribe(_ context.Context, account graph.Account) error {
	p.about("unsubscribe", account)
	return nil
}

func (p *pageless) Revoke(_ context.Context, personID string, token secret.String) error {
	p.call("revoke "+personID, token)
	return nil
}

func (p *pageless) Inspect(_ context.Context, token secret.String) (graph.Inspection, error) {
	p.call("inspect", token)
	p.mu.Lock()
	defer p.mu.Unlock()
	return graph.Inspection{PersonID: ownPerson, Expires: p.ends[token.Reveal()], Scopes: ownScopes, AllNamed: true}, nil
}

func (p *pageless) Repair(_ context.Context, person secret.String, account graph.Account, _ []string) (graph.Repair, error) {
	p.about("repair", account)
	if person.Reveal() != account.Token.Reveal() || !strings.HasPrefix(person.Reveal(), "renewed") {
		p.t.Error("the repair did not come with the person's newest token")
	}
	return graph.Repair{Fields: ownAccount.Fields, Known: true}, nil
}

// A login without Pages serves a deployment from the button to the disconnection: an account is not
// a Page, and the flows know no more of Meta than connect.Provider.
func TestProviderWithoutPages(t *testing.T) {
	provider := &pageless{t: t, ends: map[string]time.Time{}}
	d := deployment{deploytest.New(t, deploytest.Options{Lite: supalitetest.Shared(t), Provider: provider})}
	t.Cleanup(func() {
		d.Watch.Know(map[string]string{"the code": ownCode})
		d.Watch.Know(leaks.Numbered("the provider's token", slices.Collect(maps.Keys(provider.ends))))
	})
	wantRow := func(kind string) {
		t.Helper()
		row := d.Row(1)
		if !strings.HasPrefix(row["token"].(string), kind) || row["page_token"] != "" || row["page_id"] != nil || row["page_name"] != nil ||
			row["status"] != "active" || row["username"] != "brand_1" || row["facebook_user_id"] != ownPerson || row["subscription_error"] != "" {
			t.Errorf("want the %s token and no Page: %v", kind, row)
		}
		opened := d.SQL("select token, page_id, page_token from public.get_instagram_token($1)", ownAccount.InstagramID)
		if len(opened) != 1 || opened[0]["token"] != row["token"] || opened[0]["page_id"] != nil || opened[0]["page_token"] != nil {
			t.Errorf("get_instagram_token gives %v", opened)
		}
	}
	connectOnce := func(query string) {
		t.Helper()
		dialog, err := url.Parse(d.Get("/api/login" + query).Location())
		if err != nil || dialog.Host != "login.example" {
			t.Fatalf("the dialog is at %v", dialog)
		}
		answer := url.Values{"code": {ownCode}, "state": {dialog.Query().Get("state")}}
		d.WantRedirect(d.Get("/api/auth/callback?"+answer.Encode()), http.StatusSeeOther, "/?connected="+ownAccount.InstagramID)
		provider.wantCalls("accounts extend subscribe")
		wantRow("first")
	}

	// 1. Connected, and shown to the user.
	connectOnce("")
	if listed := d.Get("/api/accounts"); !strings.Contains(listed.Body, `"page_id":null,"page_name":null,"status":"active"`) {
		t.Errorf("listed: %s", listed.Body)
	}

	// 2. A webhook finds the connection by the Instagram id alone.
	d.deliver(ownAccount.InstagramID, "hello")
	if n := d.count("public.instagram_events where user_id = $1 and instagram_id = $2 and kind = 'message'", d.User, ownAccount.InstagramID); n != 1 {
		t.Errorf("%v events in the inbox", n)
	}

	// 3. Renewed, near its end.
	d.MakeDue()
	if got := d.Renew(); got.Body != `{"checked":1,"renewed":1,"reconnect":0,"failed":0,"remaining":0}` {
		t.Errorf("%d %s\n%s", got.StatusCode, got.Body, d.Watch.Log())
	}
	provider.wantCalls("extend inspect inspect repair")
	wantRow("renewed")

	// 4. Connected again in place, and disconnected.
	connectOnce("?instagram_id=" + ownAccount.InstagramID)
	d.disconnect(ownAccount.InstagramID)
	provider.wantCalls("revoke " + ownPerson + " unsubscribe")
	d.wantNothing()
	if steps := d.Steps(); steps != "" {
		t.Errorf("Facebook was asked for %s", steps)
	}
}
