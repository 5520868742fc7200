package identity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"igconnect/lib/identity"
	"igconnect/lib/secret"
)

// The Bearer of a script counts before the form, and the form before the cookie
// of @supabase/ssr. In production Verify asks Supabase Auth.
func ExampleSupabase_CurrentUser() {
	users := identity.Supabase{
		CookieName: "sb-project-auth-token",
		Verify: func(_ context.Context, token secret.String) (string, error) {
			return "the user of " + token.Reveal(), nil
		},
	}
	bearer, form := secret.New("the Bearer"), secret.New("the form")
	cookies := []*http.Cookie{{Name: "sb-project-auth-token", Value: "%7B%22access_token%22:%22the cookie%22%7D"}}
	for _, credentials := range []identity.Credentials{
		{Bearer: &bearer, Form: &form, Cookies: cookies},
		{Form: &form, Cookies: cookies},
		{Cookies: cookies},
	} {
		fmt.Println(users.CurrentUser(context.Background(), credentials))
	}
	_, err := users.CurrentUser(context.Background(), identity.Credentials{Bearer: &secret.String{}, Cookies: cookies})
	fmt.Println("an empty Bearer:", errors.Is(err, identity.ErrSignedOut))
	// Output:
	// the user of the Bearer <nil>
	// the user of the form <nil>
	// the user of the cookie <nil>
	// an empty Bearer: true
}

// The app's backend vouches for whom it knows, to the browser that brought the nonce.
func ExampleTickets_Open() {
	const key, ours = "a secret of the app's backend and us", "https://connect.example.com"
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": "42", "name": "Ada", "aud": ours, "nonce": "of the address", "exp": time.Now().Add(time.Minute).Unix(),
	}).SignedString([]byte(key))
	if err != nil {
		panic(err)
	}
	tickets := identity.Tickets{Secrets: []secret.String{secret.New(key)}, Audience: ours, Now: time.Now}
	ticket, err := tickets.Open(text)
	fmt.Println(ticket.User.ID, ticket.User.Name, ticket.Nonce, err)
	_, err = tickets.Open(text + "A")
	fmt.Println(err)
	// Output:
	// 42 Ada of the address <nil>
	// ticket rejected: the signature is another's
}
