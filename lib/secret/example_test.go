package secret_test

import (
	"fmt"

	"igconnect/lib/secret"
)

// However a secret is printed, only Reveal shows it.
func ExampleString() {
	token := secret.New("EAAB-a-token")
	fmt.Printf("%v, %q, %+v\n", token, token, struct{ Token secret.String }{token})
	fmt.Println("Authorization: Bearer " + token.Reveal())
	fmt.Println(token.Equal("EAAB-a-token"), secret.String{}.Equal(""))
	// Output:
	// [secret], [secret], {Token:[secret]}
	// Authorization: Bearer EAAB-a-token
	// true false
}

// A text that somebody else wrote is masked before it is logged.
func ExampleMask() {
	token := secret.New("EAAB-a-token")
	fmt.Println(secret.Mask("Malformed access token EAAB-a-token\nTry again", token))
	// Output: Malformed access token [secret] Try again
}
