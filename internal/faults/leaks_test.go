package faults_test

import (
	"maps"
	"regexp"
	"strings"
	"testing"

	"igconnect/internal/faultproxy"
	"igconnect/internal/leaks"
)

// leaked searches what the world left behind: the log, all answers, and the
// addresses that the upstreams were asked for.
func (w *world) leaked(log string, asked []faultproxy.Record) []leaks.Leak {
	secrets := leaks.Numbered("of Meta's", w.meta.Secrets())
	maps.Copy(secrets, map[string]string{
		"the app secret": appSecret, "the secret key": w.house.ServiceKey, "the verify token": verifyToken, "the cron secret": cronSecret,
		"the session": w.user.AccessToken, "the refresh token": w.user.RefreshToken, "the dead Page token": deadPageToken,
	})
	var text strings.Builder
	text.WriteString(log + "\n" + w.seen.String() + "\n")
	for _, r := range asked {
		text.WriteString(withoutInputToken(r.URL) + "\n")
	}
	return leaks.Find([]byte(text.String()), secrets)
}

var inputToken = regexp.MustCompile(`input_token=[^&]*`)

// withoutInputToken takes the token out of an address of debug_token, the one
// call for which Meta knows no other way. Every other address stays as it is.
func withoutInputToken(address string) string {
	if path, _, _ := strings.Cut(address, "?"); strings.HasSuffix(path, "/debug_token") {
		return inputToken.ReplaceAllString(address, "")
	}
	return address
}

func TestWithoutInputToken(t *testing.T) {
	for address, want := range map[string]string{
		"/v24.0/debug_token?input_token=t&fields=id": "/v24.0/debug_token?&fields=id",
		"/v24.0/me?input_token=t":                    "/v24.0/me?input_token=t",
		"/v24.0/me?next=/debug_token&input_token=t":  "/v24.0/me?next=/debug_token&input_token=t",
	} {
		if got := withoutInputToken(address); got != want {
			t.Errorf("%s became %s", address, got)
		}
	}
}
