package api

import (
	"net/http"
	"time"

	"igconnect/lib/web"
)

// Home is /api/home, which is shown at /: the landing page, with the button that begins a login.
func Home(w http.ResponseWriter, r *http.Request) {
	web.Serve(w, r, web.Route{
		Name: "home", Limit: 8 * time.Second,
		Methods: map[string]web.Handler{http.MethodGet: showHome},
	})
}

func showHome(r *web.Request) (web.Response, error) { return r.Home(), nil }
