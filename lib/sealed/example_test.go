package sealed_test

import (
	"fmt"
	"net/http"
	"time"

	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

// A login leaves a value in the browser and reads it when the browser comes back.
func Example() {
	type login struct{ ReturnTo string }
	box, err := sealed.NewBox([]secret.String{secret.New("the app secret")}, "https://app.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	logins := sealed.Cookies[login]{Box: box, Kind: "state", Secure: true, Now: time.Now}

	first := sealed.NewJar(nil) // a web server passes the request's cookies
	flow := sealed.Flow("the state that Meta returns")
	if err := logins.Set(first, flow, login{ReturnTo: "/team"}); err != nil {
		fmt.Println(err)
		return
	}

	var sent []*http.Cookie // what the browser sends next time
	for _, cookie := range first.Changes() {
		fmt.Println(cookie.Name, "for", time.Duration(cookie.MaxAge)*time.Second)
		sent = append(sent, &http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	value, err := logins.Get(sealed.NewJar(sent), flow)
	fmt.Println(value.ReturnTo, err)
	_, err = logins.Get(sealed.NewJar(sent), sealed.Flow("another state"))
	fmt.Println(err)
	// Output:
	// __Host-igconnect_state_3d55e1b7663802d0 for 10m0s
	// /team <nil>
	// unreadable seal
}
