package facebook_test

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/graphtest"
	"igconnect/lib/graph"
	"igconnect/lib/secret"
)

// The proofs are openssl's: printf %s TOKEN | openssl dgst -sha256 -hmac SECRET.
const (
	userProof = "796ba0d8a6b339e476a7b166a9e8ac0a395f7de736dc37de5f2f4397f5854eb8" // also a vector of Meta's SDK
	pageProof = "acbc0034bc1c1ea52b9dbaafdfad20c0aaa1de8f047bc7f6dcdecdbcec324115"
	appProof  = "e35c6dd2455c1d12c90bbfaff99e9fdcefe692065a20217ff19cdeaf16f8004f"

	wantPage   = "id,name,access_token,instagram_business_account{id,username,name,profile_picture_url},connected_instagram_account{id,username}"
	wantListed = wantPage + ",tasks"
)

// bare is a request without a form; posted is one with it.
func bare(line, bearer, proof string, query url.Values) wire {
	query.Set("appsecret_proof", proof)
	return wire{Line: line, Query: query, Form: url.Values{}, Authorization: "Bearer " + bearer, Accept: "application/json"}
}

func posted(line, authorization string, form url.Values) wire {
	const encoding = "application/x-www-form-urlencoded"
	return wire{Line: line, Query: url.Values{}, Form: form, Authorization: authorization, ContentType: encoding, Accept: "application/json"}
}

// TestRequests: what each call sends, to the byte, how often, and what it makes of the
// answer. A code is never sent twice, whatever the failure; to repeat another call
// does no harm. Meta confirms a deletion with true or with an object.
func TestRequests(t *testing.T) {
	type answer struct {
		name   string
		answer http.HandlerFunc
		tries  int
		class  graph.Class
	}
	good := says(`{"access_token":"long","token_type":"bearer","expires_in":5183944}`)
	debug := func(id string) http.HandlerFunc { return says(strings.Replace(goodDebug, `"902"`, id, 1)) }
	deletes := func() []answer { // anew for each call: an answer in turn counts
		return []answer{
			{"true", says("true"), 1, ok},
			{"an object", yes, 1, ok},
			{"after 500 once", inTurn(down, yes), 2, ok},
			{"false", says("false"), 1, graph.Rejected},
			{"an object that denies", no, 1, graph.Rejected},
			{"null", says("null"), 3, graph.Unavailable},
			{"HTML", says("<html>"), 3, graph.Unavailable},
			{"empty", says(""), 3, graph.Unavailable},
			{"a dead token", refuses(190, 458, "The user has not authorized application"), 1, graph.TokenDead},
			{"not allowed", refuses(200, 0, "(#200)"), 1, graph.NoPermission},
		}
	}
	for _, c := range []struct {
		name    string
		call    call
		sent    secret.String
		want    wire
		answers []answer
	}{
		{"Exchange", exchange, code, posted(tokenLine, "", url.Values{
			"client_id": {appID}, "client_secret": {graphtest.AppSecret}, "redirect_uri": {redirectURI}, "code": {graphtest.Code},
		}), []answer{
			{"good", good, 1, ok},
			{"used", refuses(100, 36009, "This authorization code has been used."), 1, graph.CodeRejected},
			{"expired", refuses(100, 36007, "This authorization code has expired."), 1, graph.CodeRejected},
			{"another redirect_uri", refuses(100, 36008, "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request"), 1, graph.CodeRejected},
			{"invented", refuses(100, 0, "Invalid verification code format."), 1, graph.CodeRejected},
			{"no redirect_uri", refuses(191, 0, "Missing redirect_uri parameter."), 1, graph.CodeRejected},
			{"the session is over", refuses(190, 460, "Error validating access token"), 1, graph.CodeRejected},
			{"not allowed", refuses(200, 0, "(#200) Permissions error"), 1, graph.CodeRejected},
			{"wrong app id", refuses(101, 0, "Error validating application. Invalid application ID."), 1, graph.BadApp},
			{"wrong secret", refuses(1, 0, "Error validating client secret."), 1, graph.BadApp},
			{"throttled", refuses(4, 0, "limit"), 1, graph.Throttled},
			{"unknown error", refuses(1, 0, "An unknown error has occurred."), 1, graph.Unavailable},
			{"transient", refuses(2, 0, "later", `"is_transient":true`), 1, graph.Unavailable},
			{"500", down, 1, graph.Unavailable},
			{"cut", cut, 1, graph.Unavailable},
			{"no answer", drops, 1, graph.Unavailable},
			{"hang", hangs, 1, graph.Unavailable},
			{"no token", says(`{"token_type":"bearer","expires_in":5183944}`), 1, graph.Unavailable},
			{"an empty token", says(`{"access_token":"","expires_in":5183944}`), 1, graph.Unavailable},
			{"null for a token", says(`{"access_token":null}`), 1, graph.Unavailable},
			{"a token of another type", says(`{"access_token":17}`), 1, graph.Unavailable},
			{"the old form answer", says(`access_token=short&expires=5183944`), 1, graph.Unavailable},
		}},
		{"Extend", extend, user, posted(tokenLine, "", url.Values{
			"client_id": {appID}, "client_secret": {graphtest.AppSecret}, "grant_type": {"fb_exchange_token"}, "fb_exchange_token": {userToken},
		}), []answer{
			{"good", good, 1, ok},
			{"after 500 once", inTurn(down, good), 2, ok},
			{"after 500 twice", inTurn(down, down, good), 3, ok},
			{"after a hang", inTurn(hangs, good), 2, ok},
			{"after HTML", inTurn(says("<html>"), good), 2, ok},
			{"500 for good", status(500, envelope(2, 0, "An unexpected error has occurred.")), 3, graph.Unavailable},
			{"expired", inTurn(refuses(190, 463, "Session has expired"), good), 1, graph.TokenDead},
			{"refused", inTurn(refuses(100, 0, "Unsupported"), good), 1, graph.TokenDead},
			{"not allowed", inTurn(refuses(10, 0, "(#10)"), good), 1, graph.TokenDead},
			{"refused after 500", inTurn(down, refuses(100, 0, "Unsupported"), good), 2, graph.TokenDead},
			{"wrong secret", inTurn(refuses(1, 0, "Error validating client secret."), good), 1, graph.BadApp},
			{"throttled", inTurn(refuses(4, 0, "limit"), good), 1, graph.Throttled},
		}},
		{"Inspect", inspect, user, bare(debugLine, appID+"|"+graphtest.AppSecret, appProof, url.Values{"input_token": {userToken}}), []answer{
			{"good", says(goodDebug), 1, ok},
			{"another app's", says(strings.Replace(goodDebug, appID, "99", 1)), 1, graph.TokenDead},
			{"no app", says(`{"data":{"is_valid":true}}`), 1, graph.Unavailable},
			{"invalid without a reason", says(`{"data":{"is_valid":false}}`), 1, graph.Unavailable},
			{"invalid for a passing reason", says(`{"data":{"is_valid":false,"error":{"code":2,"message":"later"}}}`), 1, graph.Unavailable},
			{"invalid", says(`{"data":{"app_id":"1234567890","is_valid":false,"scopes":[],"error":{"code":190,"subcode":460,"message":"The session has been invalidated"}}}`), 1, graph.TokenDead},
			{"unknown", says(`{"data":{"is_valid":false,"scopes":[],"error":{"code":190,"message":"Invalid OAuth access token."}}}`), 1, graph.TokenDead},
			{"no data", says(`{}`), 1, graph.Unavailable},
			{"null data", says(`{"data":null}`), 1, graph.Unavailable},
			{"no verdict", says(`{"data":{}}`), 1, graph.Unavailable},
			{"data of another type", says(`{"data":[]}`), 3, graph.Unavailable},
			{"an id with a slash", debug(`"902/feed"`), 1, ok},
			{"an id with dots", debug(`".."`), 1, ok},
			{"an id with a question mark", debug(`"902?x=1"`), 1, ok},
			{"an id with a line break", debug(`"902\n"`), 1, ok},
			{"an id with a fraction", debug(`902.5`), 1, ok},
			{"an id below zero", debug(`-902`), 1, ok},
			{"an empty id", debug(`""`), 1, ok},
			{"a list for an id", debug(`["902"]`), 1, ok},
			{"no rights", refuses(100, 0, "(#100) You must provide an app access token"), 1, graph.Rejected},
			{"wrong secret", refuses(1, 0, "Error validating client secret."), 1, graph.BadApp},
			{"the app's own token is dead", refuses(190, 0, "Invalid OAuth access token signature."), 1, graph.BadApp},
		}},
		{"Subscribe", subscribe, paged, posted(subscribeLine, "Bearer page_token", url.Values{
			"subscribed_fields": {"messages,messaging_postbacks"}, "appsecret_proof": {pageProof},
		}), []answer{{"good", yes, 1, ok}}},
		{"Unsubscribe", unsubscribe, paged, bare(unsubscribeLine, "page_token", pageProof, url.Values{}), deletes()},
		{"Revoke", revoke, user, bare(revokeLine, "foo_token", userProof, url.Values{}), deletes()},
	} {
		for _, a := range c.answers {
			run(t, c.name+" "+a.name, routes{c.want.Line: a.answer}, func(t *testing.T, m *meta) {
				result, err := c.call(t.Context(), m.Login, c.sent)
				failureOf(t, err, a.class)
				if diff := cmp.Diff(slices.Repeat([]wire{c.want}, a.tries), m.Requests()); diff != "" {
					t.Error(diff)
				}
				if token, is := result.(graph.Token); is && err == nil && token.Value.Reveal() != "long" {
					t.Errorf("token %q", token.Value.Reveal())
				}
				if err != nil && result != nil && !reflect.ValueOf(result).IsZero() {
					t.Errorf("along with the error: %+v", result)
				}
			})
		}
	}
}

// TestAccountsRequests: one look-up's calls.
func TestAccountsRequests(t *testing.T) {
	run(t, "the four, and a Page", person(nil), func(t *testing.T, m *meta) {
		if _, err := m.Accounts(t.Context(), graph.Token{Value: user}); err != nil {
			t.Fatal(err)
		}
		want := []wire{
			bare("GET /902", "foo_token", userProof, url.Values{"fields": {wantPage}}),
			bare(debugLine, appID+"|"+graphtest.AppSecret, appProof, url.Values{"input_token": {userToken}}),
			bare("GET /me", "foo_token", userProof, url.Values{"fields": {"id,name"}}),
			bare(pagesLine, "foo_token", userProof, url.Values{"fields": {wantListed}, "limit": {"100"}}),
			bare(permissionsLine, "foo_token", userProof, url.Values{}),
		}
		byLine := func(a, b wire) int { return strings.Compare(a.Line, b.Line) }
		if diff := cmp.Diff(want, slices.SortedFunc(slices.Values(m.Requests()), byLine)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestExpiresIn: the zero time means that Meta did not say; ten years are the most.
func TestExpiresIn(t *testing.T) {
	const sixtyDays = 5183944 * time.Second
	for member, want := range map[string]time.Duration{
		`"expires_in":5183944`: sixtyDays, `"expires_in":"5183944"`: sixtyDays, `"expires_in":1`: time.Second, `"absent":1`: 0, `"expires_in":null`: 0,
		`"expires_in":0`: 0, `"expires_in":-5183944`: 0, `"expires_in":"soon"`: 0, `"expires_in":5183944.5`: 0, `"expires_in":{}`: 0,
		`"expires_in":92233720368547758080`: 0, `"expires_in":9223372036854775807`: 87600 * time.Hour,
	} {
		run(t, member, routes{tokenLine: says(`{"access_token":"long",` + member + `}`)}, func(t *testing.T, m *meta) {
			token, err := m.Extend(t.Context(), user)
			got := time.Until(token.Expires) // the bubble's clock stands still
			if err != nil || got != want && !(want == 0 && token.Expires.IsZero()) {
				t.Errorf("Expires %v, want %v from now (%v)", token.Expires, want, err)
			}
		})
	}
}

// TestInspect: a dead token's subcode tells an app removed from a password changed.
func TestInspect(t *testing.T) {
	granular := func(scopes string) string {
		return `{"data":{"app_id":"1234567890","is_valid":true,"granular_scopes":[` + scopes + `]}}`
	}
	for _, c := range []struct {
		name, body string
		want       graph.Inspection
	}{
		{"all of it", goodDebug, graph.Inspection{
			PersonID: "501", Expires: time.Unix(1780000000, 0).UTC(), DataAccessExpires: time.Unix(1790000000, 0).UTC(),
			Scopes: []string{"pages_show_list", "instagram_basic"}, PageIDs: []string{"901", "902"}, AllNamed: true,
			AccountIDs: []string{"17841001"},
		}},
		{"never ends", `{"data":{"app_id":"1234567890","is_valid":true,"expires_at":0,"data_access_expires_at":0}}`, graph.Inspection{}},
		{"all Pages shared: no targets", granular(`{"scope":"pages_show_list"}`), graph.Inspection{}},
		{"all Pages for one scope", granular(`{"scope":"pages_show_list"},{"scope":"pages_manage_metadata","target_ids":["901"]}`), graph.Inspection{PageIDs: []string{"901"}}},
		{"ids as numbers", `{"data":{"app_id":1234567890,"is_valid":true,"granular_scopes":[{"scope":"pages_show_list","target_ids":[901,"902"]}]}}`,
			graph.Inspection{PageIDs: []string{"901", "902"}, AllNamed: true}},
		{"each Page once, and no businesses", granular(
			`{"scope":"business_management","target_ids":["77"]},{"scope":"pages_show_list","target_ids":["901"]},` +
				`{"scope":"instagram_manage_messages","target_ids":["17841001"]},{"scope":"pages_manage_metadata","target_ids":["901","902"]}`),
			graph.Inspection{PageIDs: []string{"901", "902"}, AllNamed: true, AccountIDs: []string{"17841001"}}},
		{"null for a list", `{"data":{"app_id":"1234567890","is_valid":true,"scopes":null,"granular_scopes":null,"error":null}}`, graph.Inspection{}},
		// An odd entry costs itself, and then Meta has not named them all.
		{"no id among ids", granular(`{"scope":"pages_show_list","target_ids":["902/feed","..",902.5,-902,"",["902"],"901"]}`), graph.Inspection{PageIDs: []string{"901"}}},
		{"no scope among scopes", granular(`"pages_show_list",{"scope":7},{"scope":"pages_show_list","target_ids":["901"]}`), graph.Inspection{PageIDs: []string{"901"}}},
		{"null for an id", granular(`{"scope":"pages_show_list","target_ids":[null,"901"]}`), graph.Inspection{PageIDs: []string{"901"}, AllNamed: true}},
	} {
		run(t, c.name, routes{debugLine: says(c.body)}, func(t *testing.T, m *meta) {
			got, err := m.Inspect(t.Context(), user)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
	dead := says(`{"data":{"app_id":"1234567890","is_valid":false,"error":{"code":190,"subcode":458,"message":"The app was removed"}}}`)
	run(t, "dead", routes{debugLine: dead}, func(t *testing.T, m *meta) {
		_, err := m.Inspect(t.Context(), user)
		failure := failureOf(t, err, graph.TokenDead)
		if failure.Code != 190 || failure.Subcode != 458 || failure.Message != "The app was removed" {
			t.Errorf("%+v", *failure)
		}
	})
}
