package appsim_test

import (
	"fmt"
	"net/http/httptest"

	"igconnect/internal/appsim"
)

// An app vouches for the person whose session the browser brings along, so a stranger signs in
// first.
func ExampleApp() {
	app := &appsim.App{Igconnect: "https://connect.example.com", Secret: "not-a-real-secret"}
	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest("GET", "/instagram/vouch?nonce=n", nil))
	fmt.Println(answer.Code, answer.Header().Get("Location"))
	// Output: 302 /sign-in?next=%2Finstagram%2Fvouch%3Fnonce%3Dn
}

// A founder on Firebase sets what Settings returns.
func ExampleProvider_Settings() {
	provider := &appsim.Provider{Style: appsim.Firebase, URL: "http://127.0.0.1:9000"}
	for _, name := range []string{"JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URL"} {
		fmt.Println(name, provider.Settings()[name])
	}
	// Output:
	// JWT_ISSUER http://127.0.0.1:9000/my-project
	// JWT_AUDIENCE my-project
	// JWT_JWKS_URL http://127.0.0.1:9000/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com
}
