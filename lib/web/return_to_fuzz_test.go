package web

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"igconnect/lib/connect"
)

// FuzzReturnTo holds returnToAllowed against browserOrigin, which shares nothing with
// it, and against net/url: what is allowed must lead a browser to an allowed
// origin, also after the result was added and after another login was begun
// with it.
func FuzzReturnTo(f *testing.F) {
	for raw := range returnTos {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if !returnToAllowed(raw, allowed) {
			return
		}
		done := withResult(raw, "connected", "1,2")
		for _, address := range []string{raw, done, withResult(raw, "error", string(AccessDenied))} {
			if origin := browserOrigin(address); !slices.Contains(allowed, origin) {
				t.Errorf("%q leads to %q", address, origin)
			}
			if origin := resolved(t, address); !slices.Contains(allowed, origin) {
				t.Errorf("%q leads to %q by net/url", address, origin)
			}
			if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7f }) || strings.ContainsAny(address, `"<>\`) {
				t.Errorf("%q breaks a header or a page", address)
			}
		}
		if browserOrigin(raw) != browserOrigin(done) {
			t.Errorf("%q leads elsewhere than %q", done, raw)
		}
		checkResult(t, raw, done)
		again, err := url.Parse(loginPath(connect.LoginOptions{ReturnTo: raw, Explain: true}))
		if err != nil || again.Host != "" || again.Path != "/api/login" || again.Query().Get("return_to") != raw {
			t.Errorf("a new login with %q goes to %v, %v", raw, again, err)
		}
	})
}

// resolved is the origin at which an address ends by RFC 3986.
func resolved(t *testing.T, address string) string {
	base, err := url.Parse(own + "/api/callback?code=x")
	if err != nil {
		t.Fatal(err)
	}
	to, err := base.Parse(address)
	if err != nil || to.User != nil || to.Opaque != "" {
		t.Errorf("%q: %v, %v", address, to, err)
		return ""
	}
	host := strings.ToLower(to.Host)
	return to.Scheme + "://" + strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[to.Scheme])
}

// checkResult wants the one result that was added, and else nothing changed.
func checkResult(t *testing.T, raw, done string) {
	t.Helper()
	before, errBefore := url.Parse(raw)
	after, errAfter := url.Parse(done)
	if errBefore != nil || errAfter != nil {
		t.Fatalf("%q: %v, %v", done, errBefore, errAfter)
	}
	if before.EscapedPath() != after.EscapedPath() || before.EscapedFragment() != after.EscapedFragment() {
		t.Errorf("%q became %q", raw, done)
	}
	had, has := before.Query(), after.Query()
	if got := has["connected"]; len(got) != 1 || got[0] != "1,2" || has.Has("error") {
		t.Errorf("%q says connected %q, error %q", done, got, has["error"])
	}
	for _, result := range []string{"connected", "error"} {
		had.Del(result)
		has.Del(result)
	}
	if had.Encode() != has.Encode() {
		t.Errorf("%q became %q", raw, done)
	}
	if twice := withResult(withResult(raw, "error", "x"), "connected", "1,2"); twice != done {
		t.Errorf("after an earlier result it is %q instead of %q", twice, done)
	}
}
