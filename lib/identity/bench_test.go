package identity

import "testing"

// BenchmarkJWT verifies tokens while the keys are fresh, which costs no call.
func BenchmarkJWT(b *testing.B) {
	keys := private()
	app := newIssuer(b, allKeys()).app(atNoon)
	for _, token := range []struct {
		algorithm, kid string
		sign           func(string) []byte
	}{{"ES256", "ec", es256(keys.ec)}, {"RS256", "rsa", rs256(keys.rsa)}, {"EdDSA", "ed", eddsa(keys.ed)}} {
		sent := bearer(compact(members{"alg": token.algorithm, "kid": token.kid}, claim(nil), token.sign))
		b.Run(token.algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := app.CurrentUser(b.Context(), sent); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTicket opens a ticket.
func BenchmarkTicket(b *testing.B) {
	tickets, text := tickets(), ticketOf(says(members{"name": "Ada"}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tickets.Open(text); err != nil {
			b.Fatal(err)
		}
	}
}
