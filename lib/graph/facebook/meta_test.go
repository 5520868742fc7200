package facebook_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"igconnect/internal/graphtest"
	"igconnect/lib/graph"
	"igconnect/lib/graph/facebook"
	"igconnect/lib/secret"
)

type (
	routes = graphtest.Routes
	wire   = graphtest.Request
)

const (
	ok          = graphtest.OK
	appID       = graphtest.AppID
	userToken   = graphtest.UserToken
	redirectURI = "https://app.example.com/api/auth/callback?app=1"

	tokenLine, debugLine        = "POST /oauth/access_token", "GET /debug_token"
	pagesLine, permissionsLine  = "GET /me/accounts", "GET /me/permissions"
	readLine, subscribeLine     = "GET /901/subscribed_apps", "POST /901/subscribed_apps"
	unsubscribeLine, revokeLine = "DELETE /901/subscribed_apps", "DELETE /501/permissions"
)

var (
	says, status, refuses   = graphtest.Says, graphtest.Status, graphtest.Refuses
	envelope, inTurn        = graphtest.Envelope, graphtest.InTurn
	hangs, cut, drops       = graphtest.Hangs, graphtest.Cut, graphtest.Drops
	failureOf, wantClean    = graphtest.FailureOf, graphtest.WantClean
	yes, no, down           = says(`{"success":true}`), says(`{"success":false}`), status(500, "<html>")
	code, user, paged       = secret.New(graphtest.Code), secret.New(userToken), secret.New(graphtest.PageToken)
	fields, feed, messaging = []string{"messages", "messaging_postbacks"}, []string{"feed"}, []string{"pages_messaging"}
	required                = []string{"instagram_basic", "instagram_manage_messages", "pages_show_list", "pages_manage_metadata"}
	fourCalls               = []string{"GET /me", permissionsLine, pagesLine, debugLine}
)

// What Meta answers about a person with two Pages: 901 listed, 902 held by a
// business, so that only debug_token names it.
const (
	goodDebug = `{"data":{"app_id":"1234567890","type":"USER","application":"Test","data_access_expires_at":1790000000,` +
		`"expires_at":1780000000,"is_valid":true,"issued_at":1774000000,"scopes":["pages_show_list","instagram_basic"],` +
		`"granular_scopes":[{"scope":"pages_show_list","target_ids":["901","902"]},` +
		`{"scope":"instagram_basic","target_ids":["17841001"]},{"scope":"public_profile"}],"user_id":"501"}}`
	goodPerson      = `{"id":"501","name":"Ada"}`
	goodPermissions = `{"data":[{"permission":"pages_show_list","status":"granted"},{"permission":"instagram_basic","status":"granted"},` +
		`{"permission":"instagram_manage_messages","status":"declined"},{"permission":"pages_manage_metadata","status":"expired"}]}`
	withBusinesses = `{"data":[{"permission":"pages_show_list","status":"granted"},{"permission":"business_management","status":"granted"}]}`
	page901        = `{"id":"901","name":"Ceramics","access_token":"token-901","tasks":["MODERATE","ADVERTISE"],` +
		`"instagram_business_account":{"id":"17841001","username":"ceramics","name":"Ceramics & Co","profile_picture_url":"https://cdn.test/1.jpg"}}`
	page902 = `{"id":902,"name":"Books","access_token":"token-902","tasks":["MESSAGING"],"instagram_business_account":{"id":17841002,"username":"books"}}`
	page903 = `{"id":"903","name":"Blog","access_token":"token-903"}`
)

// person answers as for that person, but for the changes.
func person(changes routes) routes {
	answers := routes{"GET /me": says(goodPerson), permissionsLine: says(goodPermissions), pagesLine: says(list(page901)), debugLine: says(goodDebug), "GET /902": says(page902)}
	maps.Copy(answers, changes)
	return answers
}

// owner is a person with two businesses: the first holds 902 for itself and 903
// for a client, the second 901, which is listed too.
func owner(changes routes) routes {
	answers := person(routes{
		permissionsLine: says(withBusinesses), debugLine: shares(), "GET /me/businesses": says(list(`{"id":"71"}`, `{"id":72}`)),
		"GET /71/owned_pages": says(list(page902)), "GET /71/client_pages": says(list(page903)),
		"GET /72/owned_pages": says(list(page901)), "GET /72/client_pages": says(list()),
	})
	maps.Copy(answers, changes)
	return answers
}

// list is a list of Pages, the last one: with a cursor all the same.
func list(pages ...string) string {
	return fmt.Sprintf(`{"data":[%s],"paging":{"cursors":{"before":"b","after":"end"}}}`, strings.Join(pages, ","))
}

// listUpTo is a list that goes on after a cursor, with the next that Meta adds.
func listUpTo(cursor string, pages ...string) string {
	return fmt.Sprintf(`{"data":[%s],"paging":{"cursors":{"before":"b","after":%q},"next":"https://elsewhere.test/v24.0/me/accounts?access_token=foo_token&after=%[2]s"}}`,
		strings.Join(pages, ","), cursor)
}

// shares is debug_token's answer where the person shared those Pages.
func shares(ids ...string) http.HandlerFunc {
	return says(fmt.Sprintf(`{"data":{"app_id":"1234567890","is_valid":true,"granular_scopes":[{"scope":"pages_show_list","target_ids":[%s]}]}}`,
		strings.Join(ids, ",")))
}

// slow answers after a second of the bubble: all that runs beside it is through,
// or hangs, by then.
func slow(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Second); answer(w, r) }
}

// meta is a login, and the scripted Meta that it calls.
type meta struct {
	*graphtest.Meta
	facebook.Login
}

// login is the login of the app that the client calls for.
func login(client *graph.Client) facebook.Login {
	return facebook.Login{
		Client: client, RedirectURI: redirectURI, DialogURL: "https://www.facebook.com/v24.0/dialog/oauth",
		Scopes: required, RequiredScopes: required, WebhookFields: fields,
	}
}

// run plays the routes for f, as [graphtest.Run] does.
func run(t *testing.T, name string, answers routes, f func(*testing.T, *meta)) {
	t.Helper()
	graphtest.Run(t, name, answers, func(t *testing.T, m *graphtest.Meta) { f(t, &meta{m, login(m.Client)}) })
}

// accounts looks them up with a token whose end is known.
func accounts(t *testing.T, m *meta) (graph.Found, error) {
	return m.Accounts(t.Context(), graph.Token{Value: user, Expires: time.Unix(1785000000, 0)})
}

// ceramics is an account of Page 901.
func ceramics(token secret.String, fields []string) graph.Account {
	return graph.Account{InstagramID: "17841001", Token: token, Fields: fields, Page: &graph.Page{ID: "901"}}
}

// call is one call of a login, with the code or token that it sends.
type call func(ctx context.Context, l facebook.Login, sent secret.String) (result any, err error)

func exchange(ctx context.Context, l facebook.Login, code secret.String) (any, error) {
	return l.Exchange(ctx, code.Reveal())
}

func extend(ctx context.Context, l facebook.Login, token secret.String) (any, error) {
	return l.Extend(ctx, token)
}

func inspect(ctx context.Context, l facebook.Login, token secret.String) (any, error) {
	return l.Inspect(ctx, token)
}

func find(ctx context.Context, l facebook.Login, token secret.String) (any, error) {
	return l.Accounts(ctx, graph.Token{Value: token})
}

func subscribe(ctx context.Context, l facebook.Login, token secret.String) (any, error) {
	return l.Subscribe(ctx, ceramics(token, fields))
}

func unsubscribe(ctx context.Context, l facebook.Login, token secret.String) (any, error) {
	return nil, l.Unsubscribe(ctx, ceramics(token, nil))
}

func revoke(ctx context.Context, l facebook.Login, token secret.String) (any, error) {
	return nil, l.Revoke(ctx, "501", token)
}
