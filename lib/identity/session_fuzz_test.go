package identity

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/uuid"

	"igconnect/lib/secret"
)

// FuzzSession gives a whole Cookie header, and a token that must come back out
// of its own cookie however @supabase/ssr writes it and whatever stands beside.
func FuzzSession(f *testing.F) {
	f.Fuzz(func(t *testing.T, header, token string, n uint8) {
		found, ok := sessionIn(header)
		if ok != !found.Empty() {
			t.Errorf("SessionToken = %q, %v", found.Reveal(), ok)
		}
		if !strings.Contains(header, cookie) && ok {
			t.Errorf("a session out of nothing: %q", found.Reveal())
		}
		checkBeside(t, header, found, ok)
		if token != "" && utf8.ValidString(token) {
			checkWritten(t, token, int(n))
		}
	})
}

// checkBeside wants the same session where the cookies come twice or others
// stand beside them, and none where another user's stands beside it.
func checkBeside(t *testing.T, header string, found secret.String, ok bool) {
	t.Helper()
	if strings.Count(header, ";") > 1000 {
		return // net/http reads 3,000 cookies at most
	}
	beside := cookie + "-code-verifier=" + wrapped(`{"access_token":"verifier"}`) + "; sb-other-auth-token=" + wrapped(`{"access_token":"other"}`)
	for name, cookies := range map[string][]string{
		"twice": {header, header}, "neighbours before": {beside, header}, "neighbours behind": {header, beside},
	} {
		if again, okAgain := sessionIn(cookies...); okAgain != ok || again.Reveal() != found.Reveal() {
			t.Errorf("%s: SessionToken = %q, %v, want %q, %v", name, again.Reveal(), okAgain, found.Reveal(), ok)
		}
	}
	of, _ := Subject(found)
	const somebody = "00000000-0000-4000-8000-00000000000b"
	other := cookie + "=" + wrapped(`{"access_token":"`+tokenOf(somebody)+`"}`)
	for _, cookies := range [][]string{{header, other}, {other, header}} {
		if again, okAgain := sessionIn(cookies...); ok && okAgain && of != somebody {
			t.Errorf("two users, and the session is %q", again.Reveal())
		}
	}
}

// checkWritten writes a token in one of the ways of @supabase/ssr and its
// forerunners, whole and in chunks, and reads it back.
func checkWritten(t *testing.T, token string, n int) {
	t.Helper()
	session, err := json.Marshal(map[string]any{"access_token": token, "refresh_token": "r", "user": map[string]string{"id": "u"}})
	if err != nil {
		t.Fatal(err)
	}
	value := []string{
		wrapped(string(session)),
		"base64-" + base64.URLEncoding.EncodeToString(session),
		strings.ReplaceAll(url.QueryEscape(string(session)), "+", "%20"), // cookieEncoding "raw"
	}[n%3]
	var chunks []string
	for size, rest := len(value)/(n%maxChunks+1)+1, value; rest != ""; rest = rest[min(size, len(rest)):] {
		chunks = append(chunks, cookie+"."+strconv.Itoa(len(chunks))+"="+rest[:min(size, len(rest))])
	}
	backwards := slices.Clone(chunks)
	slices.Reverse(backwards)
	for how, cookies := range map[string][]string{
		"whole": {cookie + "=" + value}, "chunks": chunks, "chunks in one header": {strings.Join(chunks, "; ")}, "chunks backwards": backwards,
		"chunks of an older session behind": {cookie + "=" + value, cookie + ".0=base64-e30"},
	} {
		if got, ok := sessionIn(cookies...); !ok || got.Reveal() != token {
			t.Errorf("%s: SessionToken = %q, %v, want %q", how, got.Reveal(), ok, token)
		}
	}
	if last := len(chunks) - 1; last > 0 && !strings.HasSuffix(chunks[last], "==") { // padding alone is no loss
		if got, ok := sessionIn(chunks[:last]...); ok {
			t.Errorf("the last chunk missing: %q", got.Reveal())
		}
	}
}

// FuzzSubject gives anything for a token, and any claims: a user comes out of
// three parts with a sub that is a UUID, and of nothing else.
func FuzzSubject(f *testing.F) {
	f.Fuzz(func(t *testing.T, input string) {
		for _, token := range []string{input, jwtOf(input)} {
			who, ok := Subject(secret.New(token))
			if ok != (who != "") {
				t.Errorf("Subject = %q, %v", who, ok)
			}
			if !ok {
				continue
			}
			parts := strings.Split(token, ".")
			claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
			if len(parts) != 3 || !json.Valid(claims) || !strings.Contains(strings.ToLower(plainHex(string(claims))), plainHex(who)) {
				t.Errorf("Subject(%q) = %q", token, who)
			}
		}
		who := uuid.NewSHA1(uuid.NameSpaceURL, []byte(input)).String()
		claims, err := json.Marshal(map[string]string{"aud": input, "email": input, "sub": who})
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := Subject(secret.New(jwtOf(string(claims)))); !ok || got != who {
			t.Errorf("Subject = %q, %v, want %q", got, ok, who)
		}
	})
}

// plainHex is a text without what may stand between a UUID's digits.
func plainHex(text string) string { return strings.ReplaceAll(text, "-", "") }
