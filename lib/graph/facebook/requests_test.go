package facebook_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"igconnect/lib/graph"

	"github.com/google/go-cmp/cmp"
)

// The proofs are openssl's: printf %s TOKEN | openssl dgst -sha256 -hmac SECRET.
const (
	userProof = "796ba0d8a6b339e476a7b166a9e8ac0a395f7de736dc37de5f2f4397f5854eb8" // also a vector of Meta's SDK
	pageProof = "acbc0034bc1c1ea52b9dbaafdfad20c0aaa1de8f047bc7f6dcdecdbcec324115"
	appProof  = "e35c6dd2455c1d12c90bbfaff99e9fdcefe692065a20217ff19cdeaf16f8004f"

	form     = "application/x-www-form-urlencoded"
	wantPage = "id,name,access_token,tasks,instagram_business_account{id,username,name,profile_picture_url},connected_instagram_account{id,username}"
)

// TestRequests pins each call to the byte: nothing more is sent, nothing less.
func TestRequests(t *testing.T) {
	byUser := func(line string, query url.Values) wire {
		query.Set("appsecret_proof", userProof)
		return wire{Line: line, Query: query, Form: url.Values{}, Authorization: "Bearer foo_token", Accept: "application/json"}
	}
	debug := wire{
		Line: "GET /debug_token", Query: url.Values{"input_token": {userToken}, "appsecret_proof": {appProof}}, Form: url.Values{},
		Authorization: "Bearer 1234567890|shhhhh!is.my.secret", Accept: "application/json",
	}
	for _, c := range []struct {
		name    string
		answers routes
		call    func(*testing.T, *meta) error
		want    []wire
	}{
		{"Exchange", routes{"POST /oauth/access_token": says(`{"access_token":"short"}`)},
			func(t *testing.T, m *meta) error { _, err := m.Exchange(t.Context(), code); return err },
			[]wire{{
				Line: "POST /oauth/access_token", Query: url.Values{},
				Form: url.Values{
					"client_id": {appID}, "client_secret": {appSecret}, "redirect_uri": {redirectURI}, "code": {code},
				},
				ContentType: form, Accept: "application/json",
			}}},
		{"Extend", routes{"POST /oauth/access_token": says(`{"access_token":"long"}`)},
			func(t *testing.T, m *meta) error { _, err := m.Extend(t.Context(), user); return err },
			[]wire{{
				Line: "POST /oauth/access_token", Query: url.Values{},
				Form: url.Values{
					"grant_type": {"fb_exchange_token"}, "client_id": {appID}, "client_secret": {appSecret},
					"fb_exchange_token": {userToken},
				},
				ContentType: form, Accept: "application/json",
			}}},
		{"Inspect", routes{"GET /debug_token": says(goodDebug)},
			func(t *testing.T, m *meta) error { _, err := m.Inspect(t.Context(), user); return err },
			[]wire{debug}},
		{"Accounts", person(nil),
			func(t *testing.T, m *meta) error {
				_, err := m.Accounts(t.Context(), graph.Token{Value: user})
				return err
			},
			[]wire{
				byUser("GET /902", url.Values{"fields": {wantPage}}),
				debug,
				byUser("GET /me", url.Values{"fields": {"id,name"}}),
				byUser("GET /me/accounts", url.Values{"fields": {wantPage}, "limit": {"100"}}),
				byUser("GET /me/permissions", url.Values{}),
			}},
		{"Subscribe", routes{"POST /901/subscribed_apps": says(`{"success":true}`)},
			func(t *testing.T, m *meta) error {
				_, err := m.Subscribe(t.Context(), ceramics(paged, fields))
				return err
			},
			[]wire{{
				Line: "POST /901/subscribed_apps", Query: url.Values{},
				Form:          url.Values{"subscribed_fields": {"messages,messaging_postbacks"}, "appsecret_proof": {pageProof}},
				Authorization: "Bearer page_token", ContentType: form, Accept: "application/json",
			}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, c.answers, func(t *testing.T, m *meta) {
				if err := c.call(t, m); err != nil {
					t.Fatal(err)
				}
				slices.SortFunc(m.Got, func(a, b wire) int { return strings.Compare(a.Line, b.Line) })
				if diff := cmp.Diff(c.want, m.Got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
