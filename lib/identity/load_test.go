package identity

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// Who looks at the settings gets what the issuer says now, and costs the users' keys nothing.
func TestLoad(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, allKeys())
	now := time.Now()
	app := issuer.app(func() time.Time { return now })
	load := func(want error) {
		t.Helper()
		if err := app.Keys.Load(t.Context()); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	load(nil)
	load(nil)
	issuer.expect(t, 2, "fresh keys")
	issuer.serve(http.NotFound)
	load(ErrUnavailable)
	issuer.expect(t, tries, "an issuer that is gone")
	if keys, err := app.Keys.matching(t.Context(), "ec", "ES256"); len(keys) != 1 || err != nil {
		t.Errorf("%d keys, %v: those of before count while the issuer is gone", len(keys), err)
	}
	issuer.publish(published(members{"kty": "oct"}))
	load(ErrNoKey)
}
