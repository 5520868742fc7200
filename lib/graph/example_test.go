package graph_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// A failure has a class, which tells what to do about it.
func ExampleClient_Do() {
	meta := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"message":"Session has expired","code":190,"error_subcode":463,"fbtrace_id":"Ab1"}}`)
	}))
	defer meta.Close()
	client := &graph.Client{
		HTTP: &http.Client{Transport: upstream.NewTransport(), CheckRedirect: upstream.NoRedirects},
		URL:  meta.URL, AppID: "123", Secret: secret.New("the app secret"), Now: time.Now,
	}

	var answer struct {
		Name string `json:"name"`
	}
	call := graph.Call{Op: "reading the person", Path: "/me", Token: secret.New("the person's token")}
	err := client.Do(context.Background(), call, &answer)
	var failure *graph.Error
	if errors.As(err, &failure) && failure.Class == graph.TokenDead {
		fmt.Println("sign in at Meta again:", err)
	}
	// Output: sign in at Meta again: reading the person: HTTP 400, code 190/463: Session has expired (fbtrace_id Ab1)
}
