package store_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"igconnect/lib/secret"
	"igconnect/lib/store"
)

// A user's connections, of a project that answers as Supabase does.
func ExampleStore_OfUser() {
	project := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path, r.URL.Query()["user_id"])
		_, _ = fmt.Fprint(w, `[{"user_id":"ada","instagram_id":"17841400000000001","username":"ada.bakes","status":"active"}]`)
	}))
	defer project.Close()
	s, err := store.New(project.URL, secret.New("sb_secret_of_the_project"))
	if err != nil {
		panic(err)
	}
	connections, err := s.OfUser(context.Background(), "ada")
	for _, connection := range connections {
		fmt.Println(connection.Title(), "is", connection.Status, err)
	}
	// Output:
	// GET /rest/v1/user_configs [in.("ada")]
	// ada.bakes is active <nil>
}
