package web_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"igconnect/lib/app"
	"igconnect/lib/web"
)

// A function is a route, and what its handlers return is written once.
func ExampleServe() {
	greet := func(w http.ResponseWriter, r *http.Request) {
		web.Serve(w, r, web.Route{
			Name: "greet", Limit: 5 * time.Second,
			Methods: map[string]web.Handler{http.MethodGet: func(r *web.Request) (web.Response, error) {
				r.Note("name", "Ada")
				return web.Text(http.StatusOK, "Hello, Ada"), nil
			}},
		})
	}

	// A deployed function takes the App of its environment; here it is given one.
	a, err := app.New(app.Options{Getenv: os.Getenv, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		request := httptest.NewRequest(method, "/api/greet", nil)
		request.Header.Set("Accept", "application/json")
		answer := httptest.NewRecorder()
		greet(answer, request.WithContext(web.WithApp(request.Context(), a)))
		fmt.Println(answer.Code, answer.Header().Get("Content-Type"))
	}
	// Output:
	// 200 text/plain; charset=utf-8
	// 405 application/json
}
