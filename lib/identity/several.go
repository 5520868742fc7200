package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"igconnect/lib/secret"
)

// tokens returns the tokens that count: the Bearer, else that of the form, else those
// in the cookie.
func (c Credentials) tokens(inCookie func([]*http.Cookie) []secret.String) []secret.String {
	switch {
	case c.Bearer != nil:
		return []secret.String{*c.Bearer}
	case c.Form != nil:
		return []secret.String{*c.Form}
	default:
		return inCookie(c.Cookies)
	}
}

// maxVerified bounds the tokens of one request that are verified: more cookies than
// that are an attack.
const maxVerified = 4

// oneUser returns the id of the user whose tokens these are. One that verify refuses, with
// [ErrSignedOut], costs only itself: of several in cookies the others are tried. But a page
// of another subdomain can set a cookie of the same name for the whole domain, so valid
// tokens of two users are none. named reads the user's id from a token without verifying
// anything. The error is [ErrSignedOut], or that of verify.
func oneUser(
	ctx context.Context, tokens []secret.String, named func(secret.String) (string, bool),
	verify func(context.Context, secret.String) (string, error),
) (user string, err error) {
	refusal, verified := ErrSignedOut, 0
	for _, token := range tokens {
		if token.Empty() {
			continue
		}
		if user != "" {
			if name, ok := named(token); !ok || name == user {
				continue
			}
		}
		if verified++; verified > maxVerified {
			return "", fmt.Errorf("%w: too many cookies of one name", ErrSignedOut)
		}
		found, err := verify(ctx, token)
		switch {
		case errors.Is(err, ErrSignedOut):
			if verified == 1 {
				refusal = err
			}
			continue
		case err != nil:
			return "", err
		case user != "" && user != found:
			return "", fmt.Errorf("%w: the cookies are those of two users", ErrSignedOut)
		}
		user = found
	}
	if user == "" {
		return "", refusal
	}
	return user, nil
}

// onlyOthers is what [Source.OnlyOthers] says of the tokens in cookies.
func onlyOthers(tokens []secret.String, named func(secret.String) (string, bool), user string) bool {
	others := false
	for _, token := range tokens {
		name, ok := named(token)
		if name == user {
			return false
		}
		others = others || ok
	}
	return others
}

// latestFirst sorts tokens, those that end last first.
func latestFirst(tokens []secret.String) []secret.String {
	slices.SortStableFunc(tokens, func(a, b secret.String) int { return ends(b).Compare(ends(a)) })
	return tokens
}

// values returns the different values, other than empty ones, of a cookie.
func values(cookies []*http.Cookie, name string) []string {
	var all []string
	for _, cookie := range cookies {
		if cookie.Name == name && cookie.Value != "" && !slices.Contains(all, cookie.Value) {
			all = append(all, cookie.Value)
		}
	}
	return all
}
