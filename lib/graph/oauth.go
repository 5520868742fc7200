package graph

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"igconnect/lib/secret"
)

// Token is a user access token.
type Token struct {
	Value   secret.String
	Expires time.Time // zero where Meta did not say: ask Debug
}

// Exchange trades an authorization code for a short-lived token. A code works
// once, so this is never repeated. redirectURI must be the dialog's, byte for
// byte.
func (c *Client) Exchange(ctx context.Context, code, redirectURI string) (Token, error) {
	token, err := c.token(ctx, call{
		op: "exchanging the code",
		params: url.Values{
			"client_id": {c.AppID}, "client_secret": {c.Secret.Reveal()},
			"redirect_uri": {redirectURI}, "code": {code},
		},
		once: true,
	})
	return token, reclassed(err, CodeRejected, Rejected, NoPermission, TokenDead)
}

// Upgrade trades a valid token for one of about 60 days. Asking twice does no
// harm: each answer is good.
func (c *Client) Upgrade(ctx context.Context, token secret.String) (Token, error) {
	upgraded, err := c.token(ctx, call{
		op: "upgrading to a long-lived token",
		params: url.Values{
			"grant_type": {"fb_exchange_token"}, "client_id": {c.AppID},
			"client_secret": {c.Secret.Reveal()}, "fb_exchange_token": {token.Reveal()},
		},
	})
	return upgraded, reclassed(err, TokenDead, Rejected, NoPermission)
}

func (c *Client) token(ctx context.Context, call call) (Token, error) {
	var answer struct {
		Token     secret.String `json:"access_token"`
		ExpiresIn seconds       `json:"expires_in"` // may be absent
	}
	call.method, call.path = http.MethodPost, "/oauth/access_token"
	if err := c.do(ctx, call, &answer); err != nil {
		return Token{}, err
	}
	if answer.Token.Empty() {
		return Token{}, &Error{Op: call.op, Status: http.StatusOK, Class: Unavailable, cause: errNoEnvelope}
	}
	token := Token{Value: answer.Token}
	if answer.ExpiresIn > 0 {
		token.Expires = c.Now().Add(answer.ExpiresIn.duration())
	}
	return token, nil
}

// reclassed gives a refusal of certain classes the meaning that it has at this
// step.
func reclassed(err error, meaning Class, classes ...Class) error {
	var refused *Error
	if errors.As(err, &refused) && slices.Contains(classes, refused.Class) {
		refused.Class = meaning
	}
	return err
}

// seconds is a duration of Meta's, as a number or a text; 0 where it makes no
// sense: a token is worth more than its expiry, which can be asked for.
type seconds int64

func (s *seconds) UnmarshalJSON(data []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(data), `"`), 10, 64)
	if err != nil || n < 0 {
		n = 0
	}
	*s = seconds(min(n, int64(10*365*24*time.Hour/time.Second))) // more would overflow
	return nil
}

func (s seconds) duration() time.Duration { return time.Duration(s) * time.Second }
