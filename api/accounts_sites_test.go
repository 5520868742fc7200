package api_test

import (
	"net/http"
	"testing"
)

// A script of another website may make the visitor's browser ask, cookies and
// all, and does not get to read the answer.
func TestListIsReadByAllowedPagesOnly(t *testing.T) {
	w := start(t, brand(1))
	t.Setenv("ALLOWED_ORIGINS", appOrigin)
	w.connect()
	for origin, allowed := range map[string]string{
		w.url: w.url, appOrigin: appOrigin,
		"": "", "null": "", "https://evil.example": "", appOrigin + ".evil.example": "", "http://app.example": "",
	} {
		got := w.request("GET", "/api/accounts", map[string]string{"Origin": origin}, nil)
		if got.StatusCode != http.StatusOK {
			t.Errorf("from %q: %d %s", origin, got.StatusCode, got.code())
		}
		shared := ""
		if allowed != "" {
			shared = "true"
		}
		header := got.Header
		if header.Get("Access-Control-Allow-Origin") != allowed || header.Get("Access-Control-Allow-Credentials") != shared || header.Get("Vary") != "Origin" {
			t.Errorf("from %q: %v", origin, header)
		}
	}
}
