// Package functions lists the functions of api/ by the path at which Vercel serves each. Whatever
// serves, tests, fuzzes or measures them takes them from here, so that a new function is named
// once.
package functions

import (
	"net/http"

	"igconnect/api"
	"igconnect/lib/app"
	"igconnect/lib/web"
)

// All maps "/api/login" to the handler in api/login.go, and so on. Nobody may change it.
var All = map[string]http.HandlerFunc{
	"/api/accounts":    api.Accounts,
	"/api/callback":    api.Callback,
	"/api/choose":      api.Choose,
	"/api/deauthorize": api.Deauthorize,
	"/api/deletion":    api.Deletion,
	"/api/health":      api.Health,
	"/api/home":        api.Home,
	"/api/login":       api.Login,
	"/api/renew":       api.Renew,
	"/api/webhook":     api.Webhook,
}

// With returns All, where each request is served by what current returns at that moment.
func With(current func() *app.App) map[string]http.HandlerFunc {
	all := map[string]http.HandlerFunc{}
	for path, function := range All {
		all[path] = func(w http.ResponseWriter, r *http.Request) {
			function(w, r.WithContext(web.WithApp(r.Context(), current())))
		}
	}
	return all
}
