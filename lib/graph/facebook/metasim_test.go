package facebook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"igconnect/internal/graphtest"
	"igconnect/internal/metasim"
	"igconnect/lib/graph"
	"igconnect/lib/graph/facebook"
	"igconnect/lib/metajson"

	"github.com/google/go-cmp/cmp"
)

// simulated is a Meta that was written without knowing this client, with a
// person whose 251 Pages include one that is not listed.
func simulated(t *testing.T) (*metasim.Sim, facebook.Login) {
	sim := metasim.New(metasim.Config{AppID: appID, AppSecret: graphtest.AppSecret, RedirectURIs: []string{redirectURI}})
	ada := metasim.Person{ID: "501", Name: "Ada"}
	for i := range 250 {
		ada.Pages = append(ada.Pages, metasim.Page{ID: fmt.Sprint(9000 + i), Name: fmt.Sprint("Page ", i)})
	}
	ada.Pages[249].Instagram = &metasim.Instagram{ID: "17841001", Username: "ceramics", Name: "Ceramics"}
	ada.Pages = append(ada.Pages, metasim.Page{ID: "9900", Unlisted: true, Instagram: &metasim.Instagram{ID: "17841002", Username: "books"}})
	sim.AddPerson(ada)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	t.Cleanup(sim.Close)
	return sim, login(graphtest.RealClient(t, server.URL))
}

// signedIn walks the dialog and exchanges the code, which it returns too.
func signedIn(t *testing.T, sim *metasim.Sim, login facebook.Login, scopes ...string) (code string, short graph.Token) {
	t.Helper()
	login.Scopes = scopes
	back, err := sim.Approve(t.Context(), login.AuthCodeURL("s"), metasim.Approval{})
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(back)
	if err != nil || address.Query().Get("code") == "" {
		t.Fatalf("back at %s (%v)", back, err)
	}
	code = address.Query().Get("code")
	if short, err = login.Exchange(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	return code, short
}

// sixtyDays reports whether a time is some sixty days away.
func sixtyDays(at time.Time) bool {
	days := time.Until(at).Hours() / 24
	return days > 59 && days < 61
}

// TestAgainstMetasim walks from the code to the subscription.
func TestAgainstMetasim(t *testing.T) {
	sim, login := simulated(t)
	code, short := signedIn(t, sim, login, required...)
	sim.Inject(metasim.Fault{Step: "upgrade", Times: 1, Status: http.StatusInternalServerError})
	long, err := login.Extend(t.Context(), short.Value)
	if err != nil {
		t.Fatal(err)
	}
	if !sixtyDays(long.Expires) || short.Expires.After(long.Expires) {
		t.Errorf("short until %v, long until %v", short.Expires, long.Expires)
	}
	found, err := login.Accounts(t.Context(), long)
	if err != nil {
		t.Fatal(err)
	}
	accounts := found.Accounts
	if len(found.Pages) != 251 || len(accounts) != 2 || accounts[0].InstagramID != "17841001" || accounts[1].Username != "books" {
		t.Fatalf("%d Pages, accounts %+v", len(found.Pages), accounts)
	}
	notGranted := func(scope string) bool { return !slices.Contains(found.Granted, scope) }
	if slices.ContainsFunc(required, notGranted) || found.Missing != nil ||
		found.Person != (graph.Person{ID: "501", Name: "Ada"}) || found.Skipped != nil || found.DataAccessExpires.Before(time.Now().AddDate(0, 0, 80)) {
		t.Errorf("found %+v, skipped %v, data until %v", found.Person, found.Skipped, found.DataAccessExpires)
	}
	account := accounts[0]
	account.Fields = fields
	reached, err := login.Subscribe(t.Context(), account)
	if failure := failureOf(t, err, graph.NoPermission); failure.Code != 200 || !slices.Equal(reached, feed) {
		t.Errorf("without pages_messaging: reached %v, %v", reached, err)
	}
	if got := sim.Subscribed(account.Page.ID); !slices.Equal(got, feed) {
		t.Errorf("subscribed to %v", got)
	}
	want := []string{"accounts", "accounts", "accounts", "debug_token", "dialog", "dialog", "exchange", "me", "page", "permissions", "subscribe", "subscribe", "upgrade", "upgrade"}
	var steps []string
	for _, r := range sim.Requests() {
		steps = append(steps, r.Step)
	}
	slices.Sort(steps)
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Error(diff)
	}

	_, err = login.Exchange(t.Context(), code)
	if failure := failureOf(t, err, graph.CodeRejected); failure.Subcode != 36009 {
		t.Errorf("the code again: %v", err)
	}
	wantClean(t, err, sim.Secrets()...)
	sim.Invalidate(long.Value.Reveal(), 460)
	_, err = login.Accounts(t.Context(), long)
	failureOf(t, err, graph.TokenDead)
	wantClean(t, err, sim.Secrets()...)
}

// TestMetasimWithMessaging subscribes to all, with a token whose end only
// debug_token knows.
func TestMetasimWithMessaging(t *testing.T) {
	sim, login := simulated(t)
	_, short := signedIn(t, sim, login, append([]string{"pages_messaging"}, required...)...)
	sim.Inject(metasim.Fault{Step: "upgrade", Times: 1, NoExpiry: true})
	long, err := login.Extend(t.Context(), short.Value)
	if err != nil || !long.Expires.IsZero() {
		t.Fatalf("until %v (%v)", long.Expires, err)
	}
	found, err := login.Accounts(t.Context(), long)
	if err != nil || !sixtyDays(found.Expires) {
		t.Fatalf("until %v (%v)", found.Expires, err)
	}
	for _, account := range found.Accounts {
		reached, err := login.Subscribe(t.Context(), account)
		subscribed := sim.Subscribed(account.Page.ID)
		if err != nil || !slices.Equal(reached, fields) || !slices.Equal(subscribed, fields) {
			t.Errorf("%s: reached %v (%v), subscribed to %v", account.Page.ID, reached, err, subscribed)
		}
	}
}

func TestAppSubscriptionsAgainstMetasim(t *testing.T) {
	sim, login := simulated(t)
	sim.SetAppSubscriptions(metasim.AppSubscription{Object: "instagram", CallbackURL: "https://app.example/api/webhook", Fields: []string{"messages"}, Inactive: true})
	got, err := login.Client.AppSubscriptions(t.Context())
	want := []graph.AppSubscription{{Object: "instagram", CallbackURL: "https://app.example/api/webhook", Fields: []metajson.FieldName{"messages"}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}
