package facebook_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"igconnect/internal/metasim"
	"igconnect/lib/graph"
	"igconnect/lib/graph/facebook"
	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// From the dialog to the account, against a simulator of Meta.
func ExampleLogin() {
	const callback = "https://app.example.com/api/auth/callback"
	sim := metasim.New(metasim.Config{AppID: "123", AppSecret: "the app secret", RedirectURIs: []string{callback}})
	defer sim.Close()
	sim.AddPerson(metasim.Person{ID: "501", Name: "Ada", Pages: []metasim.Page{
		{ID: "901", Name: "Ceramics", Instagram: &metasim.Instagram{ID: "17841001", Username: "ceramics"}},
	}})
	meta := httptest.NewServer(sim)
	defer meta.Close()

	scopes := []string{"instagram_basic", "instagram_manage_messages", "pages_show_list", "pages_manage_metadata"}
	login := facebook.Login{
		Client: &graph.Client{
			HTTP: &http.Client{Transport: upstream.NewTransport(), CheckRedirect: upstream.NoRedirects},
			URL:  meta.URL + "/v24.0", AppID: "123", Secret: secret.New("the app secret"), Now: time.Now,
		},
		RedirectURI: callback, DialogURL: meta.URL + "/v24.0/dialog/oauth",
		Scopes: scopes, RequiredScopes: scopes, WebhookFields: []string{"messages"},
	}

	// A browser goes to AuthCodeURL and comes back with a code.
	ctx := context.Background()
	back, err := sim.Approve(ctx, login.AuthCodeURL("the state"), metasim.Approval{})
	if err != nil {
		log.Fatal(err)
	}
	address, err := url.Parse(back)
	if err != nil {
		log.Fatal(err)
	}
	short, err := login.Exchange(ctx, address.Query().Get("code"))
	if err != nil {
		log.Fatal(err)
	}
	long, err := login.Extend(ctx, short.Value)
	if err != nil {
		log.Fatal(err)
	}
	found, err := login.Accounts(ctx, long)
	if err != nil {
		log.Fatal(err)
	}
	for _, account := range found.Accounts {
		fmt.Printf("%s's account %s, through the Page %s\n", found.Person.Name, account.Username, account.Page.Name)
	}
	// Output: Ada's account ceramics, through the Page Ceramics
}
