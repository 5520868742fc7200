package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/uuid"

	"igconnect/lib/secret"
)

const (
	cookie = "sb-abcdefghijklmnopqrst-auth-token"
	user   = "6f09c27e-5d0b-4b43-9c0e-0a3b8f6d2c11"
)

// cookiesOf parses Cookie headers.
func cookiesOf(headers ...string) []*http.Cookie {
	return (&http.Request{Header: http.Header{"Cookie": headers}}).Cookies()
}

// sessionIn reads the newest session token from Cookie headers.
func sessionIn(headers ...string) (token secret.String, ok bool) {
	for _, token := range SessionTokens(cookiesOf(headers...), cookie) {
		return token, true
	}
	return token, false
}

// userOf asks whose session it is, of an Auth that accepts all but some tokens, and how
// often it was asked.
func userOf(t *testing.T, headers []string, refused ...string) (user string, asked int) {
	t.Helper()
	s := Supabase{CookieName: cookie, Verify: func(_ context.Context, token secret.String) (string, error) {
		asked++
		if of, ok := Subject(token); ok && !slices.Contains(refused, token.Reveal()) {
			return of, nil
		}
		return "", ErrSignedOut
	}}
	user, err := s.CurrentUser(t.Context(), Credentials{Cookies: cookiesOf(headers...)})
	if errors.Is(err, ErrSignedOut) != (user == "") || user != "" && err != nil {
		t.Errorf("CurrentUser = %q, %v", user, err)
	}
	return user, asked
}

// wrapped is a cookie's value for a session's JSON.
func wrapped(session string) string {
	return "base64-" + base64.RawURLEncoding.EncodeToString([]byte(session))
}

// tokenOf makes an access token as Supabase Auth does, but for the signature.
func tokenOf(user string) string {
	return jwtOf(`{"aud":"authenticated","sub":"` + user + `","role":"authenticated"}`)
}

func jwtOf(claims string) string {
	return "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
}

// TestSessionTokenSSR reads what @supabase/ssr 0.12.7 itself wrote: createServerClient
// with each cookieEncoding, a user with a small and with a big profile (quotes,
// percent signs and emoji in it), each value through encodeURIComponent as
// Next.js does.
func TestSessionTokenSSR(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/ssr_cookies.json")
	if err != nil {
		t.Fatal(err)
	}
	var written struct {
		Token   string
		Cookies []struct{ Name, Cookie string }
	}
	if err := json.Unmarshal(text, &written); err != nil || len(written.Cookies) != 4 {
		t.Fatalf("%d cookies, want 4: %v", len(written.Cookies), err)
	}
	for _, c := range written.Cookies {
		token, ok := sessionIn(c.Cookie)
		who, asked := userOf(t, []string{c.Cookie})
		if !ok || token.Reveal() != written.Token || who != user || asked != 1 {
			t.Errorf("%s: %q, %v, of %q", c.Name, token.Reveal(), ok, who)
		}
	}
}

func TestSessionToken(t *testing.T) {
	t.Parallel()
	const raw = "%7B%22access_token%22%3A%22a%2Bb%20c%25d%22%7D" // {"access_token":"a+b c%d"}
	good := wrapped(`{"access_token":"abc","refresh_token":"` + strings.Repeat("r", 1000) + `","user":{"id":"u"}}`)
	other := wrapped(`{"access_token":"other"}`)
	head, tail := good[:20], good[20:]
	many := func(n int) (all []string) {
		size := (len(good) + n - 1) / n
		for i := range n {
			all = append(all, cookie+"."+strconv.Itoa(i)+"="+good[min(i*size, len(good)):min((i+1)*size, len(good))])
		}
		return all
	}
	for _, c := range []struct {
		name    string
		cookies []string
		want    string // "": no session
	}{
		{"whole", []string{cookie + "=" + good}, "abc"},
		{"among others", []string{"theme=dark; " + cookie + "=" + good + "; lang=de"}, "abc"},
		{"in a second header", []string{"theme=dark", cookie + "=" + good}, "abc"},
		{"chunks", []string{cookie + ".0=" + head + "; " + cookie + ".1=" + tail}, "abc"},
		{"chunks out of order", []string{cookie + ".1=" + tail + "; " + cookie + ".0=" + head}, "abc"},
		{"one chunk", []string{cookie + ".0=" + good}, "abc"},
		{"a dozen chunks", many(12), "abc"},
		{"an empty whole one before the chunks", []string{cookie + "=; " + cookie + ".0=" + head + "; " + cookie + ".1=" + tail}, "abc"},
		{"a whole one and old chunks", []string{cookie + ".0=" + other + "; " + cookie + "=" + good}, "abc"},
		{"an old chunk behind the gap", []string{cookie + ".0=" + head + "; " + cookie + ".1=" + tail + "; " + cookie + ".3=xyz"}, "abc"},
		{"an empty chunk is a gap", []string{cookie + ".0=" + good + "; " + cookie + ".1=; " + cookie + ".2=xyz"}, "abc"},
		{"the gap in the middle", []string{cookie + ".0=" + head + "; " + cookie + ".2=" + tail}, ""},
		{"the first missing", []string{cookie + ".1=" + good}, ""},
		{"chunks numbered 00", []string{cookie + ".00=" + good}, ""},
		{"a junk whole one before the chunks", []string{cookie + "=junk; " + cookie + ".0=" + good}, "abc"},
		{"a junk whole one before a good one", []string{cookie + "=junk; " + cookie + "=" + good}, "abc"},
		{"junk chunks beside the chunks", []string{cookie + ".0=junk; " + cookie + ".0=" + head + "; " + cookie + ".1=" + tail + "; " + cookie + ".1=junk"}, "abc"},
		{"a chunk too many, of a longer session", []string{cookie + ".0=" + head + "; " + cookie + ".1=" + tail + "; " + cookie + ".2=" + tail}, "abc"},
		{"padded", []string{cookie + "=base64-" + base64.URLEncoding.EncodeToString([]byte(`{"access_token":"abcd"}`))}, "abcd"},
		{"raw", []string{cookie + "=" + raw}, "a+b c%d"},
		{"raw, a plain plus", []string{cookie + "=" + strings.ReplaceAll(raw, "%2B", "+")}, "a+b c%d"},
		{"raw in chunks", []string{cookie + ".0=" + raw[:9] + "; " + cookie + ".1=" + raw[9:]}, "a+b c%d"},
		{"raw in chunks, cut in an escape", []string{cookie + ".0=" + raw[:1] + "; " + cookie + ".1=" + raw[1:]}, "a+b c%d"},
		{"raw, a bad escape", []string{cookie + "=%7B%22access_token%22%3A%22a%zz%22%7D"}, ""},
		{"raw, encoded twice", []string{cookie + "=" + strings.ReplaceAll(raw, "%", "%25")}, ""},
		{"raw, not encoded", []string{cookie + `={"access_token":"abc"}`}, ""},
		{"beside a code verifier", []string{cookie + "-code-verifier=" + other + "; " + cookie + "=" + good}, "abc"},
		{"a code verifier alone", []string{cookie + "-code-verifier=" + good + "; " + cookie + ".0-code-verifier=" + good}, ""},
		{"another project's", []string{"sb-other-auth-token=" + good}, ""},
		{"a longer name", []string{"x" + cookie + "=" + good + "; " + cookie + "s=" + good}, ""},
		{"other case", []string{strings.ToUpper(cookie) + "=" + good}, ""},
		{"no base64", []string{cookie + "=base64-!!!!"}, ""},
		{"standard base64", []string{cookie + "=base64-" + base64.RawStdEncoding.EncodeToString([]byte(`{"access_token":"a","b":"???>>>"}`))}, ""},
		{"base64 of nothing", []string{cookie + "=base64-"}, ""},
		{"base64 without its prefix", []string{cookie + "=" + strings.TrimPrefix(good, "base64-")}, ""},
		{"the prefix twice", []string{cookie + "=base64-" + good}, ""},
		{"no JSON", []string{cookie + "=" + wrapped("session")}, ""},
		{"cut JSON", []string{cookie + "=" + wrapped(`{"access_token":"abc`)}, ""},
		{"JSON and more", []string{cookie + "=" + wrapped(`{"access_token":"abc"}{}`)}, ""},
		{"null", []string{cookie + "=" + wrapped(`null`)}, ""},
		{"a raw null", []string{cookie + "=null"}, ""},
		{"a list, as the old helpers wrote", []string{cookie + "=" + wrapped(`["abc","refresh",null]`)}, ""},
		{"a string", []string{cookie + "=" + wrapped(`"abc"`)}, ""},
		{"no token", []string{cookie + "=" + wrapped(`{"refresh_token":"r"}`)}, ""},
		{"an empty token", []string{cookie + "=" + wrapped(`{"access_token":""}`)}, ""},
		{"a null token", []string{cookie + "=" + wrapped(`{"access_token":null}`)}, ""},
		{"a numeric token", []string{cookie + "=" + wrapped(`{"access_token":1}`)}, ""},
		{"too many chunks", many(maxChunks + 1), ""},
		{"an empty cookie", []string{cookie + "="}, ""},
		{"no cookie", nil, ""},
	} {
		token, ok := sessionIn(c.cookies...)
		if token.Reveal() != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v, want %q", c.name, token.Reveal(), ok, c.want)
		}
	}
}

// chunked is a session's cookie in chunks of a size, as @supabase/ssr numbers them.
func chunked(token string, size int) (cookies []string) {
	value := wrapped(`{"access_token":"` + token + `","refresh_token":"` + strings.Repeat("r", 300) + `"}`)
	for chunk := range slices.Chunk([]byte(value), size) {
		cookies = append(cookies, cookie+"."+strconv.Itoa(len(cookies))+"="+string(chunk))
	}
	return cookies
}

// TestSeveralSessions: a public report. After an app had set its cookie for the whole domain, the old
// one for the host alone went on coming along, and people were sent to the sign-in for ever. Browsers
// send both, the older first or last; each name is an own cookie, so chunks can be of both.
func TestSeveralSessions(t *testing.T) {
	t.Parallel()
	const other = "00000000-0000-4000-8000-00000000000b"
	ending := func(at int, of string) string { return jwtOf(`{"exp":` + strconv.Itoa(at) + `,"sub":"` + of + `"}`) }
	old, current, others := ending(1_000, user), ending(2_000, user), ending(1_500, other)
	newest := ending(3_000, other)
	whole := func(token string) []string { return []string{cookie + "=" + wrapped(`{"access_token":"`+token+`"}`)} }
	raw := func(token string) []string {
		return []string{cookie + "=%7B%22access_token%22%3A%22" + token + "%22%7D"}
	}
	both := func(a, b []string) []string { return append(slices.Clone(a), b...) }
	swapped := func(a, b []string) []string { return slices.Concat(a[:1], b[:1], b[1:], a[1:]) }
	forged := func(n int) (all []string) {
		for i := range n {
			all = append(all, whole(ending(9_000+i, other))...)
		}
		return all
	}
	tokens := func(cookies []string) (all []string) {
		for _, token := range SessionTokens(cookiesOf(cookies...), cookie) {
			all = append(all, token.Reveal())
		}
		return all
	}
	for _, c := range []struct {
		name    string
		cookies []string
		refused []string
		want    string // the user; "": nobody
		asked   int
	}{
		{"whole, the old one first", both(whole(old), whole(current)), []string{old}, user, 1},
		{"whole, the old one last", both(whole(current), whole(old)), []string{old}, user, 1},
		{"the newer one refused", both(whole(current), whole(old)), []string{current}, user, 2},
		{"both refused", both(whole(current), whole(old)), []string{current, old}, "", 2},
		{"the same twice", both(whole(current), whole(current)), nil, user, 1},
		{"raw and base64", both(raw(old), whole(current)), []string{old}, user, 1},
		{"chunks, the old ones first", both(chunked(old, 200), chunked(current, 200)), []string{old}, user, 1},
		{"chunks, the old ones last", both(chunked(current, 200), chunked(old, 200)), []string{old}, user, 1},
		{"chunks in mixed orders", swapped(chunked(old, 200), chunked(current, 200)), []string{old}, user, 1},
		{"chunks, more of the old ones", both(chunked(current, 400), chunked(old, 100)), []string{old}, user, 1},
		{"chunks, fewer of the old ones", both(chunked(old, 400), chunked(current, 300)), []string{old}, user, 1},
		{"chunks and an old whole one", both(whole(old), chunked(current, 200)), []string{old}, user, 1},
		{"old chunks and a whole one", both(chunked(old, 200), whole(current)), []string{old}, user, 1},
		{"an old chunk left behind", both(chunked(current, 300), chunked(old, 100)[2:]), []string{old}, user, 1},
		{"another user's old one first", both(whole(others), whole(current)), []string{others}, user, 2},
		{"another user's newer one, refused", both(whole(current), whole(newest)), []string{newest}, user, 2},
		{"two users, both well", both(whole(others), whole(current)), nil, "", 2},
		{"two users, both well, the other newer", both(whole(newest), whole(current)), nil, "", 2},
		{"two users, one in chunks", both(chunked(others, 200), whole(current)), nil, "", 2},
		{"two users and an old one", slices.Concat(whole(old), whole(newest), whole(current)), []string{old}, "", 2},
		{"some forged ones", both(forged(3), whole(current)), tokens(forged(3)), user, 4},
		{"forged ones without end", both(forged(20), whole(current)), tokens(forged(20)), "", maxVerified},
		{"forged ones hide a second user", slices.Concat(whole(ending(9_999, user)), forged(9)), tokens(forged(9)), "", maxVerified},
	} {
		if got, asked := userOf(t, c.cookies, c.refused...); got != c.want || asked != c.asked {
			t.Errorf("%s: %q after %d questions, want %q after %d", c.name, got, asked, c.want, c.asked)
		}
		inOne := []string{strings.Join(c.cookies, "; ")}
		if got, _ := userOf(t, inOne, c.refused...); got != c.want {
			t.Errorf("%s, in one header: %q", c.name, got)
		}
	}

	// What Auth can't answer is its error, not somebody signed out.
	down := errors.New("down")
	s := Supabase{CookieName: cookie, Verify: func(context.Context, secret.String) (string, error) { return "", down }}
	if got, err := s.CurrentUser(t.Context(), Credentials{Cookies: cookiesOf(both(whole(old), whole(current))...)}); got != "" || err != down {
		t.Errorf("Auth is down: %q, %v", got, err)
	}
	for name, c := range map[string]struct {
		cookies []string
		want    bool
	}{
		"nobody": {nil, false}, "the user": {whole(current), false}, "another": {whole(others), true}, "both": {both(whole(newest), whole(old)), false},
		"no user's": {whole("abc"), false}, "no user's and another": {both(whole("abc"), chunked(others, 200)), true},
	} {
		if got := s.OnlyOthers(cookiesOf(c.cookies...), user); got != c.want {
			t.Errorf("%s: OnlyOthers = %v", name, got)
		}
	}
}

// TestSubject: only a UUID in sub is a user's id, and it comes out in lower case.
func TestSubject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, token, want string // "": none
	}{
		{"a session", tokenOf(user), user},
		{"not signed by anybody", strings.TrimSuffix(tokenOf(user), "c2lnbmF0dXJl"), user},
		{"claims beside", jwtOf(`{"exp":1,"sub":"` + user + `","amr":[{"method":"otp"}]}`), user},
		{"in capitals", jwtOf(`{"sub":"` + strings.ToUpper(user) + `"}`), user},
		{"our key", jwtOf(`{"role":"service_role"}`), ""},
		{"no subject", jwtOf(`{"role":"anon"}`), ""},
		{"a null subject", jwtOf(`{"sub":null}`), ""},
		{"a nil subject", jwtOf(`{"sub":"00000000-0000-0000-0000-000000000000"}`), ""},
		{"a number", jwtOf(`{"sub":7}`), ""},
		{"a word", jwtOf(`{"sub":"admin"}`), ""},
		{"null", jwtOf(`null`), ""},
		{"a list", jwtOf(`[]`), ""},
		{"nothing", jwtOf(``), ""},
		{"cut JSON", jwtOf(`{"sub":"` + user), ""},
		{"JSON and more", jwtOf(`{"sub":"` + user + `"}x`), ""},
		{"bad base64", "eyJh.!!.c2ln", ""},
		{"two parts", strings.TrimSuffix(tokenOf(user), ".c2lnbmF0dXJl"), ""},
		{"four parts", tokenOf(user) + ".x", ""},
		{"empty", "", ""},
		{"dots", "..", ""},
	} {
		got, ok := Subject(secret.New(c.token))
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: Subject = %q, %v, want %q", c.name, got, ok, c.want)
		}
	}
}

// FuzzSession gives a whole Cookie header, and a token that must come back out
// of its own cookie however @supabase/ssr writes it and whatever stands beside.
func FuzzSession(f *testing.F) {
	f.Fuzz(func(t *testing.T, header, token string, n uint8) {
		found, ok := sessionIn(header)
		if ok != !found.Empty() {
			t.Errorf("SessionTokens begin with %q, %v", found.Reveal(), ok)
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
			t.Errorf("%s: SessionTokens begin with %q, %v, want %q, %v", name, again.Reveal(), okAgain, found.Reveal(), ok)
		}
	}
	of, named := Subject(found)
	const somebody = "00000000-0000-4000-8000-00000000000b"
	other := cookie + "=" + wrapped(`{"access_token":"`+tokenOf(somebody)+`"}`)
	for _, cookies := range [][]string{{header, other}, {other, header}} {
		if who, asked := userOf(t, cookies); named && of != somebody && who != "" || asked > maxVerified {
			t.Errorf("two users, and the session is that of %q after %d questions", who, asked)
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
			t.Errorf("%s: SessionTokens begin with %q, %v, want %q", how, got.Reveal(), ok, token)
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
			parts := append(strings.Split(token, "."), "")
			claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
			holds := len(parts) == 4 && json.Valid(claims) && strings.Contains(strings.ToLower(plainHex(string(claims))), plainHex(who))
			if ok != (who != "") || ok && !holds {
				t.Errorf("Subject(%q) = %q, %v", token, who, ok)
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
