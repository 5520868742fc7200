package api_test

import (
	"os"
	"testing"

	"igconnect/internal/leaks"
	"igconnect/internal/leaks/leakstest"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

// Every test of this package is a test for leaks: whatever its world answers,
// logs, asks for by URL or stores is searched for each secret that went in, and
// so is whatever the process prints.
func TestMain(m *testing.M) {
	os.Exit(leakstest.Main(func() int { return supalitetest.Run(m) }))
}

// knowSecrets are those of a world without Lite.
func (w *world) knowSecrets() {
	w.watch.Know(leaks.Numbered("of Meta's", w.meta.Secrets()))
	w.watch.Know(map[string]string{
		"FB_APP_SECRET": appSecret, "SUPABASE_SECRET_KEY": secretKey, "WEBHOOK_VERIFY_TOKEN": verifyToken, "CRON_SECRET": cronSecret,
		"the session of Ada": session(ada), "the session of Ben": session(ben),
	})
}

// searchTables is for a world with Lite, at its end.
func (w *world) searchTables(lite *supalite.Server, user supalite.User) {
	w.t.Helper()
	w.watch.Know(map[string]string{
		"Lite's secret key": lite.ServiceKey, "the session of Lite's user": user.AccessToken, "its refresh token": user.RefreshToken,
	})
	w.watch.SeeDatabase(lite)
}
