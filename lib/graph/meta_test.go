package graph_test

import (
	"context"
	"net/http"
	"net/url"

	"igconnect/internal/graphtest"
	"igconnect/lib/graph"
	"igconnect/lib/secret"
)

type (
	routes = graphtest.Routes
	meta   = graphtest.Meta
)

var (
	run, says, status, refuses = graphtest.Run, graphtest.Says, graphtest.Status, graphtest.Refuses
	envelope, inTurn, hangs    = graphtest.Envelope, graphtest.InTurn, graphtest.Hangs
	failureOf, wantClean       = graphtest.FailureOf, graphtest.WantClean
	paged                      = secret.New(graphtest.PageToken)
)

const (
	ok        = graphtest.OK
	appID     = graphtest.AppID
	appSecret = graphtest.AppSecret
	code      = graphtest.Code

	subscribeLine    = "POST /901/subscribed_apps"
	appSubscriptions = "GET /" + appID + "/subscriptions"
)

// subscribe is a plain call, with a token: Meta answers it with yes or no.
func subscribe(ctx context.Context, c *graph.Client, token secret.String) error {
	return c.Confirm(ctx, graph.Call{
		Op: "subscribing the Page", Method: http.MethodPost, Path: "/901/subscribed_apps",
		Params: url.Values{"subscribed_fields": {"feed"}}, Token: token,
	})
}

// exchange is a call that must not be repeated, without a token.
func exchange(ctx context.Context, c *graph.Client) error {
	return c.Do(ctx, graph.Call{
		Op: "exchanging the code", Method: http.MethodPost, Path: "/oauth/access_token",
		Params:  url.Values{"client_id": {appID}, "client_secret": {appSecret}, "code": {code}},
		Secrets: []secret.String{secret.New(code)}, Once: true,
	}, new(struct{}))
}

// withHeader answers with one more header.
func withHeader(name, value string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.Header()[name] = []string{value}; next(w, r) }
}
