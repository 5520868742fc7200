package store

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/uuid"

	"igconnect/lib/secret"
)

// FuzzSession gives arbitrary bytes as a Cookie header, and as a token that
// must come back out of its own cookie, whole and in chunks.
func FuzzSession(f *testing.F) {
	good := wrapped(`{"access_token":"abc"}`)
	for _, seed := range []string{
		cookie + "=" + good, cookie + ".0=" + good[:9] + "; " + cookie + ".1=" + good[9:], cookie + "=; " + cookie + ".0=%7B%22a",
		cookie + "=base64-====", cookie + "=%7B%22access_token%22%3A%22a%22%7D", cookie + "=%", cookie + `="` + good + `"`, ";=;", accessToken,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		if token, ok := Session(requestWith(input), cookie); ok != !token.Empty() {
			t.Errorf("Session = %q, %v", token.Reveal(), ok)
		}
		if input == "" || !utf8.ValidString(input) {
			return
		}
		session, err := json.Marshal(map[string]string{"access_token": input})
		if err != nil {
			t.Fatal(err)
		}
		value := wrapped(string(session))
		var chunks []string
		for size := len(value)/maxChunks + 1; value != ""; value = value[min(size, len(value)):] {
			chunks = append(chunks, cookie+"."+strconv.Itoa(len(chunks))+"="+value[:min(size, len(value))])
		}
		for _, r := range []*http.Request{requestWith(cookie + "=" + wrapped(string(session))), requestWith(chunks...)} {
			if token, ok := Session(r, cookie); !ok || token.Reveal() != input {
				t.Errorf("Session = %q, %v, want %q", token.Reveal(), ok, input)
			}
		}
	})
}

// FuzzSubject also hands over arbitrary claims.
func FuzzSubject(f *testing.F) {
	for _, seed := range []string{accessToken, legacyKey, tokenOf(user), "..", "a.b.c", `{"sub":"` + user.String() + `"}`, `{"sub":{}}`, "null"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		for _, token := range []string{input, jwtOf(input)} {
			if who, ok := Subject(secret.New(token)); ok != (who != uuid.Nil) {
				t.Errorf("Subject = %v, %v", who, ok)
			}
		}
	})
}

// FuzzAnswers lets Supabase answer anything: every call ends without a panic,
// as success or as a typed error that shows no key, token or URL of ours.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []struct {
		status int
		body   string
	}{
		{200, `{"id":"` + user.String() + `"}`}, {201, ""}, {204, ""}, {200, "null"}, {300, `[]`}, {307, ""}, {500, "null"}, {502, "<html>"},
		{409, `{"code":"23503","message":"m","hint":"h","details":"d"}`}, {401, `{"message":"Invalid API key"}`},
		{403, `{"code":403,"error_code":"bad_jwt","msg":"m"}`}, {400, `{"message":"` + newKey + `","hint":"` + igToken + `"}`},
		{400, `{"code":"` + accessToken + `","message":"\ud800\u0000","details":["a"]}`}, {429, `{"code":{}}`},
	} {
		f.Add(seed.status, []byte(seed.body))
	}
	var status int
	var body []byte
	s := stubbed(f, newKey, func(*http.Request) (*http.Response, error) { return answer(status, string(body)), nil })
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the stub does not look at it, but nothing is repeated
	f.Fuzz(func(t *testing.T, withStatus int, withBody []byte) {
		status, body = 100+int(uint(withStatus-100)%900), withBody
		who, asked := s.User(ctx, secret.New(accessToken))
		if (asked == nil) != (who != uuid.Nil) {
			t.Errorf("User = %v, %v", who, asked)
		}
		saved, corrected := s.Save(ctx, []Connection{full()}), s.SetSubscription(ctx, user, []string{instant}, Subscription{})
		if (saved == nil) != (status < 300) || (corrected == nil) != (status < 300) {
			t.Errorf("status %d: Save %v, SetSubscription %v", status, saved, corrected)
		}
		for _, err := range []error{asked, saved, corrected} {
			if err == nil || err == ErrSignedOut {
				continue
			}
			var failure *Error
			if !errors.As(err, &failure) || failure.Op == "" {
				t.Errorf("status %d: error %#v", status, err)
			}
			text := err.Error()
			for _, value := range plain {
				if strings.Contains(text, value) {
					t.Errorf("the error shows a secret: %s", text)
				}
			}
			if len(text) > 2000 || !utf8.ValidString(text) {
				t.Errorf("error %q", text)
			}
		}
	})
}
