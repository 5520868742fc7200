package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// TestOnce walks each way to know the app's users, as go run ./cmd/dev -once -users does.
func TestOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole system is left out under -short")
	}
	t.Parallel()
	row := fmt.Sprintf("%-24s auth0|cleo/1\n", "user_id")
	for _, test := range []struct {
		users string
		want  []string
	}{
		{supabaseUsers, []string{"signed in as ada@example.com\n", "none of 8 secrets"}},
		{jwtUsers, []string{"signed in as auth0|cleo/1\n", row, "none of 11 secrets"}},   // three JWTs
		{vouchUsers, []string{"signed in as auth0|cleo/1\n", row, "none of 11 secrets"}}, // two tickets, and their key
	} {
		t.Run(test.users, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := runOnce(t.Context(), &out, "../..", test.users)
			for _, want := range append(test.want, "The account is connected, its token sealed") {
				if err != nil || !strings.Contains(out.String(), want) {
					t.Fatalf("%v: it does not say %q:\n%s", err, want, &out)
				}
			}
		})
	}
}
