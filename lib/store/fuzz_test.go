package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"igconnect/lib/secret"
)

// FuzzAnswers lets Supabase answer anything to every call: each ends without a
// panic, as success where the answer is one, or as a typed error that shows no
// key, token or URL of ours; and what comes out can be given on.
func FuzzAnswers(f *testing.F) {
	var status int
	var body []byte
	s := stubbed(f, newKey, func(*http.Request) (*http.Response, error) { return answer(status, string(body)), nil })
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the stub does not look at it, but nothing is repeated
	f.Fuzz(func(t *testing.T, withStatus int, withBody []byte) {
		status, body = 100+int(uint(withStatus-100)%900), withBody
		for op, err := range writes(ctx, s) {
			text := bytes.TrimSpace(body)
			fits := len(text) == 0 || json.Valid(text) && bytes.ContainsAny(text[:1], "[{")
			if (err == nil) != (status < 300 && fits) {
				t.Errorf("%s: %d %q, %v", op, status, body, err)
			}
			checkTyped(t, status, err)
		}
		// Of the others, what comes out can be given on as JSON.
		read := func(op string) func(any, error) {
			return func(value any, err error) {
				if err == nil && (status >= 300 || !json.Valid(body) || strings.TrimSpace(string(body)) == "null") {
					t.Errorf("%s: %d %q was believed", op, status, body)
				}
				if _, err := json.Marshal(value); err != nil {
					t.Errorf("%s: %v", op, err)
				}
				checkTyped(t, status, err)
			}
		}
		read("OfUser")(s.OfUser(ctx, user))
		read("OfPerson")(s.OfPerson(ctx, "2002"))
		read("OfUserOrPerson")(s.OfUserOrPerson(ctx, user, "2002"))
		read("OpenTokens")(s.OpenTokens(ctx, account))
		read("Version")(Probes{s}.Version(ctx))
		read("Backlog")(Probes{s}.Backlog(ctx))
		read("ProbeVault")(Probes{s}.Vault(ctx))
		filling, err := s.StoreEvents(ctx, []Event{{Payload: json.RawMessage("{}")}})
		if len(filling.Refused) == 0 { // else the answer was about the event
			read("StoreEvents")(filling, err)
		}
		read("CountDue")(s.CountDue(ctx))
		read("Release")(nil, s.Release(ctx, code))
		read("Settle")(s.Settle(ctx, []Checkup{}))
		read("Deauthorize")(s.Deauthorize(ctx, "2002", "", at))
		read("Erase")(s.Erase(ctx, "2002", code))
		read("DeleteRemoved")(s.DeleteRemoved(ctx, time.Minute))
		due, err := s.ClaimDue(ctx, code, 40, time.Minute)
		for _, d := range due {
			read("ClaimDue")(Checkup{Due: d}.result(), nil)
		}
		read("ClaimDue")(due, err)
		who, err := s.User(ctx, secret.New(accessToken))
		if (err == nil) != (who != "") {
			t.Errorf("User = %q, %v", who, err)
		}
		// With 401 and 403 Auth may say so without a code.
		if coded := slices.Contains(sessionRefusals, refusal(status, body).Code); err == ErrSignedOut && status != 401 && status != 403 && !coded {
			t.Errorf("%d %q: signed out", status, body)
		}
		read("User")(who, err)
		record, err := s.Erasure(ctx, code.String())
		if err != nil && record != (Erasure{}) {
			t.Errorf("Erasure = %v, %v", record, err)
		}
		if err == ErrNoErasure { // the answer was an empty list
			err = nil
		}
		read("Erasure")(record, err)
	})
}

// checkTyped wants an *Error fit for a log, ErrSignedOut or none.
func checkTyped(t *testing.T, status int, err error) {
	t.Helper()
	if err == nil || err == ErrSignedOut && slices.Contains([]int{400, 401, 403, 404}, status) {
		return
	}
	var failure *Error
	if !errors.As(err, &failure) || failure.Op == "" {
		t.Fatalf("status %d: error %#v", status, err)
	}
	shown := fmt.Sprintf("%v %+v %#v", err, err, *failure)
	for _, value := range plain { // not as checkSilent does: the body may bring URLs
		if strings.Contains(shown, value) {
			t.Errorf("the error shows a secret: %s", shown)
		}
	}
	if text := err.Error(); len(text) > 2000 || !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00") {
		t.Errorf("error %q", text)
	}
}
