package api_test

import (
	"context"
	"maps"
	"net/http"
	"os"
	"testing"

	"igconnect/internal/leaks"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

// Every test of this package is a test for leaks: whatever its world answers,
// logs, asks for by URL or stores is searched for each secret that went in, and
// whatever the process prints.
func TestMain(m *testing.M) {
	os.Exit(leaks.Main(func() int { return supalitetest.Run(m) }))
}

// searchForSecrets looks through all that the world has put out, at its end.
func (w *world) searchForSecrets() {
	w.watch.Know(leaks.Numbered("of Meta's", w.meta.Secrets()))
	w.watch.Know(map[string]string{
		"FB_APP_SECRET": appSecret, "SUPABASE_SECRET_KEY": secretKey, "WEBHOOK_VERIFY_TOKEN": verifyToken, "CRON_SECRET": cronSecret,
		"the session of Ada": session(ada), "the session of Ben": session(ben),
	})
	w.watch.See("log", []byte(w.logged()))
	for _, leak := range w.watch.Leaks() {
		w.t.Error(leak)
	}
}

// requestURLs sees the address of each request to a simulator: proxies and
// servers log them. Meta offers no other place for debug_token's input_token.
func (w *world) requestURLs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		query := maps.Clone(r.URL.Query())
		query.Del("input_token")
		w.watch.See("request URLs", []byte(r.URL.Path+"?"+query.Encode()))
		next.ServeHTTP(rw, r)
	})
}

// dumpTables sees all that the database holds.
func (w *world) dumpTables(lite *supalite.Server, user supalite.User) {
	w.t.Helper()
	tables, err := lite.Dump(context.Background()) // the test's own is over
	if err != nil {
		w.t.Fatal(err)
	}
	w.watch.Know(map[string]string{"Lite's secret key": lite.ServiceKey, "the session of Lite's user": user.AccessToken})
	for _, rows := range tables {
		w.watch.See("tables", []byte(rows))
	}
}
