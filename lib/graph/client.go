// Package graph speaks to Meta's Graph API, server to server: tokens in headers
// or form bodies, each proven with appsecret_proof, every answer bounded and every
// failure typed. It knows no login flow; the packages below it do, such as
// lib/graph/facebook. Start with [Client.Do] and, for what the flows pass on,
// [Account].
package graph

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"igconnect/lib/metajson"
	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

const (
	maxBody    = 2 << 20 // bytes; a list of 100 Pages is about 60 KB
	tryTimeout = 6 * time.Second
)

// Client makes the calls of one Meta app. All fields must be set.
type Client struct {
	HTTP   *http.Client // must follow no redirects: they would carry a token away
	URL    string       // base with version: https://graph.facebook.com/v24.0
	AppID  string
	Secret secret.String
	Now    func() time.Time
}

// Call is one request.
type Call struct {
	Op      string          // what it does, for errors: "exchanging the code"
	Method  string          // GET if empty
	Path    string          // below [Client.URL]: "/me/accounts"
	Params  url.Values      // query of a GET or DELETE, form of a POST
	Token   secret.String   // sent as Bearer with its proof; empty: Params hold the credentials
	Once    bool            // must not be repeated
	Secrets []secret.String // those in Params: errors show none of them
}

// tries are those of a call that may be repeated.
const tries = 3

// Do makes the call and decodes the answer into out. It repeats the call after
// failures of class [Unavailable], unless Once is set. The error is an [*Error].
func (c *Client) Do(ctx context.Context, call Call, out any) error {
	call.Secrets = append([]secret.String{call.Token, c.Secret}, call.Secrets...)
	transient := func(err error) bool { return !call.Once && ClassOf(err) == Unavailable && !tooMuch(err) }
	return upstream.Retry(ctx, tries, func() error { return c.try(ctx, call, out) }, transient)
}

// Read makes the call as [Client.Do] does and returns the answer. One that is not
// whole is an [*Error] of class [Unavailable].
func Read[T any](ctx context.Context, c *Client, call Call, whole func(T) bool) (T, error) {
	var answer, none T
	if err := c.Do(ctx, call, &answer); err != nil {
		return none, err
	}
	if !whole(answer) {
		return none, call.Failed(Unavailable, ErrNotGraphAPI)
	}
	return answer, nil
}

// Confirm makes a call that Meta answers with nothing but yes or no. No is an
// [*Error] of class [Rejected].
func (c *Client) Confirm(ctx context.Context, call Call) error {
	var yes metajson.Confirmation
	if err := c.Do(ctx, call, &yes); err != nil {
		return err
	}
	if !yes {
		return call.Failed(Rejected, errors.New("not confirmed"))
	}
	return nil
}

func (c *Client) try(ctx context.Context, call Call, out any) error {
	tryCtx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()

	request, err := c.request(tryCtx, call)
	if err != nil { // it may quote a token
		return &Error{Op: call.Op, Class: Rejected, cause: errors.New("the request could not be built")}
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return &Error{Op: call.Op, Class: Unavailable, cause: masked(err, call)}
	}
	defer response.Body.Close()
	report(ctx, response.Header)
	body, err := upstream.ReadBody(response, maxBody)
	if err != nil {
		err = fmt.Errorf("reading the answer: %w", masked(err, call))
		return &Error{Op: call.Op, Status: response.StatusCode, Class: Unavailable, cause: err}
	}
	if failure := refusal(call, response, body); failure != nil {
		return failure
	}
	// A name that the table refuses would keep its account from ever being saved.
	if json.Unmarshal(metajson.Storable(body), out) != nil { // its error may quote the body
		return call.Failed(Unavailable, ErrNotGraphAPI)
	}
	return nil
}

// plainPath keeps an id that is none from leading elsewhere.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_-]{1,64})+$`)

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	if !plainPath.MatchString(call.Path) {
		return nil, errors.New("not a path of the Graph API")
	}
	params := url.Values{"locale": {"en_US"}} // else texts come in the person's language or the app's
	maps.Copy(params, call.Params)
	if !call.Token.Empty() {
		// With a proof a stolen token alone is of no use.
		// https://developers.facebook.com/docs/graph-api/guides/secure-requests
		params.Set("appsecret_proof", hex.EncodeToString(c.Secret.MAC([]byte(call.Token.Reveal()))))
	}
	address, body := c.URL+call.Path, ""
	if call.Method == http.MethodPost {
		body = params.Encode()
	} else {
		address += "?" + params.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, call.Method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if body != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if !call.Token.Empty() {
		request.Header.Set("Authorization", "Bearer "+call.Token.Reveal())
	}
	return request, nil
}

// AppToken returns the app's own access token.
func (c *Client) AppToken() secret.String { return secret.New(c.AppID + "|" + c.Secret.Reveal()) }

// Answer is what Meta tells along with each answer, refusals included.
type Answer struct {
	Usage int       // percent of the app's own limit, 1000 at most; 0 if not told
	Date  time.Time // of Meta's clock; zero if not told
}

type observerKey struct{}

// Observe returns a context under which each answer of Meta, of every try, is
// reported to observe. Calls may be side by side, so observe must be safe for
// concurrent use.
func Observe(ctx context.Context, observe func(Answer)) context.Context {
	return context.WithValue(ctx, observerKey{}, observe)
}

func report(ctx context.Context, header http.Header) {
	if observe, ok := ctx.Value(observerKey{}).(func(Answer)); ok {
		usage, _ := loads(header)
		date, _ := http.ParseTime(header.Get("Date"))
		observe(Answer{Usage: usage, Date: date})
	}
}

// loads reads the two headers in which Meta tells of its limits, the app's and
// those of each business, Page and account. It returns how much of the app's is
// used, in percent, and the longest waiting time that Meta names for any of them,
// a day at most; 0 if not told.
// https://developers.facebook.com/docs/graph-api/overview/rate-limiting
func loads(header http.Header) (usage int, wait time.Duration) {
	type load struct {
		Calls   float64 `json:"call_count"`
		Time    float64 `json:"total_time"`
		CPU     float64 `json:"total_cputime"`
		Minutes int     `json:"estimated_time_to_regain_access"`
	}
	var (
		app        load
		businesses map[string][]load
	)
	if json.Unmarshal([]byte(header.Get("X-App-Usage")), &app) == nil {
		usage = int(min(max(app.Calls, app.Time, app.CPU, 0), 1000))
	}
	if json.Unmarshal([]byte(header.Get("X-Business-Use-Case-Usage")), &businesses) != nil {
		businesses = nil
	}
	for _, of := range append(slices.Collect(maps.Values(businesses)), []load{app}) {
		for _, l := range of {
			wait = max(wait, time.Duration(min(max(l.Minutes, 0), 24*60))*time.Minute)
		}
	}
	return usage, wait
}
