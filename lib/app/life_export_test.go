package app

import (
	"testing"
	"time"
)

// SetClock lets the functions, in the environment as it stands, follow another
// clock.
func SetClock(t testing.TB, now func() time.Time) {
	t.Helper()
	a, err := fromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	a.now, a.Graph.Now, a.States.Now, a.Grants.Now = now, now, now, now
}
