// Package graph speaks to Meta's Graph API, server to server: tokens in
// headers or form bodies, each call proven with appsecret_proof, every answer
// bounded and every failure typed.
package graph

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

const (
	maxBody    = 2 << 20 // bytes; a list page of 100 Pages is about 60 KB
	tryTimeout = 6 * time.Second
)

// Client makes the calls of one Meta app. All fields but Seen must be set.
type Client struct {
	HTTP   *http.Client // must follow no redirects: they would carry a token away
	URL    string       // base with version: https://graph.facebook.com/v24.0
	AppID  string
	Secret secret.String
	Now    func() time.Time
	Seen   func(http.Header) // given the headers of each answer; may be nil
}

// call is one request.
type call struct {
	op     string // what it does, for errors: "exchanging the code"
	method string
	path   string        // below URL: "/me/accounts"
	params url.Values    // query of a GET or DELETE, form of a POST
	token  secret.String // sent as Bearer with its proof; empty: the call carries its own credentials
	once   bool          // must not be repeated
}

// do makes the call and decodes the answer into out. Calls that may be
// repeated are, on transient failures. The error is always an *Error.
func (c *Client) do(ctx context.Context, call call, out any) error {
	transient := func(err error) bool { return !call.once && classOf(err) == Unavailable }
	return upstream.Retry(ctx, func() error { return c.try(ctx, call, out) }, transient)
}

func (c *Client) try(ctx context.Context, call call, out any) error {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()

	request, err := c.request(ctx, call)
	if err != nil {
		return &Error{Op: call.op, Class: Rejected, cause: errors.New("the request could not be built")}
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return &Error{Op: call.op, Class: Unavailable, cause: masked(err, call)}
	}
	defer response.Body.Close()
	if c.Seen != nil {
		c.Seen(response.Header)
	}
	body, err := upstream.ReadBody(response, maxBody)
	switch {
	case err != nil:
		return &Error{Op: call.op, Status: response.StatusCode, Class: Unavailable, cause: fmt.Errorf("reading the answer: %w", masked(err, call))}
	case len(body) > maxBody:
		return &Error{Op: call.op, Status: response.StatusCode, Class: Unavailable, cause: errors.New("the answer is over the limit")}
	}
	if failure := refusal(call, response, body); failure != nil {
		return failure
	}
	// A name that the table refuses would keep its account from ever being saved.
	if err := json.Unmarshal(storable(body), out); err != nil { // err may quote the body: not kept
		return &Error{Op: call.op, Status: response.StatusCode, Class: Unavailable, cause: errNoEnvelope}
	}
	return nil
}

// plainPath keeps an id that is none from leading elsewhere.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_-]{1,64})+$`)

func (c *Client) request(ctx context.Context, call call) (*http.Request, error) {
	if !plainPath.MatchString(call.path) {
		return nil, errors.New("not a path of the Graph API")
	}
	params := url.Values{}
	for name, values := range call.params {
		params[name] = values
	}
	if !call.token.Empty() {
		params.Set("appsecret_proof", c.proof(call.token))
	}
	address, body := c.URL+call.path, ""
	if call.method == http.MethodPost {
		body = params.Encode()
	} else if len(params) > 0 {
		address += "?" + params.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, call.method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if body != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if !call.token.Empty() {
		request.Header.Set("Authorization", "Bearer "+call.token.Reveal())
	}
	return request, nil
}

// proof is Meta's appsecret_proof: hex HMAC-SHA256 of the token, keyed with
// the app secret. A stolen token alone is then of no use.
// https://developers.facebook.com/docs/graph-api/guides/secure-requests
func (c *Client) proof(token secret.String) string {
	return hex.EncodeToString(mac(c.Secret, []byte(token.Reveal())))
}

// appToken is the app's own access token.
func (c *Client) appToken() secret.String { return secret.New(c.AppID + "|" + c.Secret.Reveal()) }
