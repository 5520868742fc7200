package connect

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/identity"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

// A state without its user ends at the callback, whoever knows it; with a ticket for it, it has one, and
// takes no other.
func TestAwaitedTicket(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	box, err := sealed.NewBox([]secret.String{secret.New("a-secret-for-tests")}, "tests")
	if err != nil {
		t.Fatal(err)
	}
	states := New(nil, nil, box, true, func() time.Time { return now }).States
	browser := sealed.NewJar(nil)
	options := LoginOptions{ReturnTo: "/team", Explain: true, InstagramID: "1", Language: "de"}
	nonce, err := states.AwaitTicket(browser, options)
	if err != nil {
		t.Fatal(err)
	}
	browser = sealed.NewJar(browser.Changes())
	waiting := func() State { _, state, _ := states.cookies.Newest(browser); return state }
	if _, err := states.Consume(browser, waiting().State); !errors.Is(err, ErrState) {
		t.Errorf("without its user: %v", err)
	}

	user := identity.User{ID: "a/b|\"c\"", Name: "Ada"}
	state, err := states.OpenAwaiting(browser, identity.Ticket{User: user, Nonce: nonce})
	if diff := cmp.Diff(State{State: waiting().State, User: user, Begun: now.Unix(), LoginOptions: options}, state); diff != "" || err != nil {
		t.Fatalf("%v %s", err, diff)
	}
	if err := states.keep(browser, state); err != nil {
		t.Fatal(err)
	}
	browser = sealed.NewJar(browser.Changes())
	if _, err := states.OpenAwaiting(browser, identity.Ticket{User: user, Nonce: nonce}); !errors.Is(err, ErrState) {
		t.Errorf("a second time: %v", err)
	}
	if got, err := states.Consume(browser, state.State); got.User != user || err != nil {
		t.Errorf("%+v, %v", got.User, err)
	}
	now = now.Add(sealed.Lifetime + time.Second)
	if _, err := states.OpenAwaiting(browser, identity.Ticket{User: user, Nonce: nonce}); !errors.Is(err, ErrExpired) {
		t.Errorf("too late: %v", err)
	}
}
