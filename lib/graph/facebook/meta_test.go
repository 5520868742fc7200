package facebook_test

import (
	"testing"

	"igconnect/internal/graphtest"
	"igconnect/lib/graph"
	"igconnect/lib/graph/facebook"
	"igconnect/lib/secret"
)

type (
	routes = graphtest.Routes
	wire   = graphtest.Request
)

var (
	says, status, refuses = graphtest.Says, graphtest.Status, graphtest.Refuses
	envelope, inTurn      = graphtest.Envelope, graphtest.InTurn
	hangs, cut            = graphtest.Hangs, graphtest.Cut
	failureOf, wantClean  = graphtest.FailureOf, graphtest.WantClean
)

const (
	appID       = graphtest.AppID
	appSecret   = graphtest.AppSecret
	userToken   = graphtest.UserToken
	code        = graphtest.Code
	redirectURI = "https://app.example.com/api/auth/callback?app=1"
)

var (
	user     = secret.New(userToken)
	paged    = secret.New(graphtest.PageToken)
	fields   = []string{"messages", "messaging_postbacks"}
	feed     = []string{"feed"}
	required = []string{"instagram_basic", "instagram_manage_messages", "pages_show_list", "pages_manage_metadata"}
)

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
func run(t *testing.T, answers routes, f func(*testing.T, *meta)) {
	t.Helper()
	graphtest.Run(t, answers, func(t *testing.T, m *graphtest.Meta) { f(t, &meta{m, login(m.Client)}) })
}

// ceramics is an account of Page 901.
func ceramics(token secret.String, fields []string) graph.Account {
	return graph.Account{InstagramID: "17841001", Token: token, Fields: fields, Page: &graph.Page{ID: "901"}}
}
