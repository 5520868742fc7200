// Package functions lists the functions of api/ by the path at which Vercel serves each. Whatever
// serves, tests, fuzzes or measures them takes them from here, so that a new function is named
// once.
package functions

import (
	"net/http"

	"igconnect/api"
)

// All maps "/api/login" to the handler in api/login.go, and so on. Nobody may change it.
var All = map[string]http.HandlerFunc{
	"/api/accounts":    api.Accounts,
	"/api/callback":    api.Callback,
	"/api/choose":      api.Choose,
	"/api/deauthorize": api.Deauthorize,
	"/api/deletion":    api.Deletion,
	"/api/health":      api.Health,
	"/api/login":       api.Login,
	"/api/renew":       api.Renew,
	"/api/webhook":     api.Webhook,
}
