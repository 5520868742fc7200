package identity

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"igconnect/lib/secret"
)

const (
	newSecret = "new-secret-of-32-bytes-and-more-0001"
	oldSecret = "old-secret-of-32-bytes-and-more-0002"
)

func tickets() Tickets {
	return Tickets{Secrets: []secret.String{secret.New(newSecret), secret.New(oldSecret)}, Audience: ours, Now: atNoon}
}

// says are the claims of a good ticket.
func says(others members) members {
	return members{"sub": "42", "aud": ours, "nonce": "flow.abc", "exp": after(time.Minute)}.with(others)
}

func ticketOf(claims any) string { return compact(members{"alg": "HS256"}, claims, hs256(newSecret)) }

// TestTickets: what a ticket must say, on both sides of each limit.
func TestTickets(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 255)
	raw := func(more string) string { return `{"aud":"` + ours + `","nonce":"n","exp":1893499260,` + more + `}` }
	if after(time.Minute) != 1893499260 {
		t.Fatal("noon has moved")
	}
	for _, c := range []struct {
		name   string
		claims any // changes to good ones, or the JSON itself
		want   string
	}{
		{"good", members{}, "42"},
		{"expired, within the leeway", members{"exp": after(-9 * time.Second)}, "42"},
		{"expired", members{"exp": after(-10 * time.Second)}, ""},
		{"for five minutes, within the leeway", members{"exp": after(5*time.Minute + 10*time.Second)}, "42"},
		{"for more", members{"exp": after(5*time.Minute + 11*time.Second)}, ""},
		{"for ever", members{"exp": 253402300799}, ""},
		{"no exp", members{"exp": nil}, ""},
		{"exp a text", members{"exp": "1893499260"}, ""},
		{"exp null", `{"aud":"` + ours + `","nonce":"n","exp":null,"sub":"42"}`, ""},
		{"iat past", members{"iat": after(-time.Hour)}, "42"},
		{"iat within the leeway", members{"iat": after(10 * time.Second)}, "42"},
		{"iat to come", members{"iat": after(11 * time.Second)}, ""},
		{"iat a text", members{"iat": "now"}, ""},
		{"nbf within the leeway", members{"nbf": after(10 * time.Second)}, "42"},
		{"nbf to come", members{"nbf": after(11 * time.Second)}, ""},
		{"iss, which is nobody's concern", members{"iss": "https://app.example.com"}, "42"},
		{"aud a list", members{"aud": []string{ours}}, "42"},
		{"aud a list of two", members{"aud": []string{ours, "x"}}, ""},
		{"aud a list of ours twice", members{"aud": []string{ours, ours}}, ""},
		{"aud an empty list", members{"aud": []string{}}, ""},
		{"aud with a slash", members{"aud": ours + "/"}, ""},
		{"aud in capitals", members{"aud": strings.ToUpper(ours)}, ""},
		{"no aud", members{"aud": nil}, ""},
		{"no aud, but client_id", members{"aud": nil, "client_id": ours}, ""},
		{"no sub", members{"sub": nil}, ""},
		{"sub a number", members{"sub": 42}, ""},
		{"sub empty", members{"sub": ""}, ""},
		{"sub of 255 characters", members{"sub": long}, long},
		{"sub of 256 characters", members{"sub": long + "x"}, ""},
		{"sub with a control character", members{"sub": "4\t2"}, ""},
		{"sub with all that hurts elsewhere", members{"sub": `a/b|c"d,e%f`}, `a/b|c"d,e%f`},
		{"sub twice", raw(`"sub":"42","sub":"43"`), ""},
		{"Sub beside sub", raw(`"sub":"42","Sub":"43"`), "42"},
		{"sub with half a pair", raw(`"sub":"42\ud83d"`), ""},
		{"sub not UTF-8", raw(`"sub":"42` + "\xc3" + `"`), ""},
		{"a list", `[]`, ""},
		{"null", `null`, ""},
	} {
		claims := c.claims
		if changes, ok := claims.(members); ok {
			claims = says(changes)
		}
		got, err := tickets().Open(ticketOf(claims))
		if got.User.ID != c.want || errors.Is(err, ErrTicket) != (c.want == "") || c.want == "" && got != (Ticket{}) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

// TestTicketSignatures: HS256 with one of the secrets, and nothing else.
func TestTicketSignatures(t *testing.T) {
	t.Parallel()
	header := members{"alg": "HS256", "typ": "JWT"}
	good := compact(header, says(nil), hs256(newSecret))
	dot := strings.LastIndexByte(good, '.')
	for name, c := range map[string]struct {
		ticket string
		ok     bool
	}{
		"the new secret":          {good, true},
		"the old secret":          {compact(header, says(nil), hs256(oldSecret)), true},
		"a kid":                   {compact(header.with(members{"kid": "x", "jwk": members{}}), says(nil), hs256(newSecret)), true},
		"another secret":          {compact(header, says(nil), hs256("another")), false},
		"both secrets as one":     {compact(header, says(nil), hs256(newSecret+","+oldSecret)), false},
		"no secret":               {compact(header, says(nil), hs256("")), false},
		"no signature":            {good[:dot+1], false},
		"a part of the signature": {good[:dot+23], false},
		"its first bit changed":   {good[:dot+1] + flipped(good[dot+1]) + good[dot+2:], false},
		"none":                    {compact(members{"alg": "none"}, says(nil), unsigned), false},
		"HS512 by name":           {compact(members{"alg": "HS512"}, says(nil), hs256(newSecret)), false},
		"hs256":                   {compact(members{"alg": "hs256"}, says(nil), hs256(newSecret)), false},
		"no alg":                  {compact(members{}, says(nil), hs256(newSecret)), false},
		"alg twice":               {compact(`{"alg":"HS256","alg":"HS256"}`, says(nil), hs256(newSecret)), false},
		"crit":                    {compact(header.with(members{"crit": []string{"exp"}}), says(nil), hs256(newSecret)), false},
		"the issuer's ES256":      {compact(members{"alg": "ES256", "kid": "ec"}, says(nil), es256(private().ec)), false},
		"8 KB":                    {compact(header, says(members{"x": strings.Repeat("x", 5000)}), hs256(newSecret)), true},
		"more than 8 KB":          {compact(header, says(members{"x": strings.Repeat("x", 6000)}), hs256(newSecret)), false},
		"an end of line":          {good + "\n", false},
		"padding":                 {good + "=", false},
		"a part more":             {good + ".", false},
		"dots":                    {strings.Repeat(".", 8200), false},
		"nothing":                 {"", false},
	} {
		got, err := tickets().Open(c.ticket)
		if (got.User.ID == "42") != c.ok || (err == nil) != c.ok || !c.ok && !errors.Is(err, ErrTicket) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, unset := range [][]secret.String{nil, {secret.New("")}, {{}}} {
		tickets := Tickets{Secrets: unset, Audience: ours, Now: atNoon}
		if got, err := tickets.Open(compact(header, says(nil), hs256(""))); !errors.Is(err, ErrTicket) {
			t.Errorf("no secret is set: %v, %v", got, err)
		}
	}
}

// flipped is the base64 of six bits, the first of them changed.
func flipped(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^32])
}

// TestNonce: with one a ticket is for a browser, without for the app's server.
func TestNonce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		nonce   any
		browser string // the nonce; "": refused
		server  bool
	}{
		{"there", "flow.abc", "flow.abc", false},
		{"absent", nil, "", true},
		{"empty", "", "", false},
		{"null", (*int)(nil), "", false},
		{"a number", 7, "", false},
		{"a list", []string{"flow.abc"}, "", false},
	} {
		text := ticketOf(says(members{"nonce": c.nonce}))
		ticket, err := tickets().Open(text)
		if ticket.Nonce != c.browser || errors.Is(err, ErrTicket) != (c.browser == "") {
			t.Errorf("%s, of a browser: %v, %v", c.name, ticket, err)
		}
		user, err := tickets().OfServer(secret.New(text))
		if (user == "42") != c.server || !c.server && (user != "" || !errors.Is(err, ErrSignedOut)) {
			t.Errorf("%s, of a server: %q, %v", c.name, user, err)
		}
	}
	expired := ticketOf(says(members{"nonce": nil, "exp": after(-time.Hour)}))
	if user, err := tickets().OfServer(secret.New(expired)); user != "" || !errors.Is(err, ErrSignedOut) {
		t.Errorf("an expired one of a server: %q, %v", user, err)
	}
	if user, err := tickets().OfServer(secret.String{}); user != "" || !errors.Is(err, ErrSignedOut) {
		t.Errorf("none of a server: %q, %v", user, err)
	}
}

// TestNames: a name stands in a line of a page, and can't upset it.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name any
		want string
	}{
		{"Ada", "Ada"},
		{"ada@example.com", "ada@example.com"},
		{" Ada  Lovelace ", "Ada  Lovelace"},
		{"<b>Ada</b>", "<b>Ada</b>"},
		{"👩‍💻 Ada", "👩‍💻 Ada"},
		{strings.Repeat("ä", 100), strings.Repeat("ä", 100)},
		{strings.Repeat("ä", 101), strings.Repeat("ä", 100)},
		{strings.Repeat("\u202e", 50) + strings.Repeat("ä", 101), strings.Repeat("ä", 100)},
		{"Ada\u202ecod.evil\u2066", "Adacod.evil"},
		{"A\u200bd\u00ada\ufeff", "Ada"},
		{"A\nd\x00a\u2028\u2029", "Ada"},
		{"\u202e \n", ""},
		{"", ""},
		{nil, ""},
		{(*int)(nil), ""},
		{42, ""},
		{true, ""},
		{[]string{"Ada"}, ""},
		{members{"first": "Ada"}, ""},
	} {
		ticket, err := tickets().Open(ticketOf(says(members{"name": c.name})))
		if err != nil || ticket.User != (User{ID: "42", Name: c.want}) {
			t.Errorf("%v: %+v, %v", c.name, ticket.User, err)
		}
	}
	cut := `{"aud":"` + ours + `","nonce":"n","exp":1893499260,"sub":"42","name":"Ada \ud83d"}` // as JavaScript's slice does
	if ticket, err := tickets().Open(ticketOf(cut)); err != nil || ticket.User != (User{ID: "42"}) {
		t.Errorf("half an emoji: %+v, %v", ticket.User, err)
	}
}

// TestTicketReasons: the log says why a ticket is refused, in words that hold nothing of it.
func TestTicketReasons(t *testing.T) {
	t.Parallel()
	for want, ticket := range map[string]string{
		"expired":   ticketOf(says(members{"exp": after(-time.Hour), "sub": "hidden"})),
		"5 minutes": ticketOf(says(members{"exp": after(time.Hour), "sub": "hidden"})),
		"issued":    ticketOf(says(members{"iat": after(time.Hour), "sub": "hidden"})),
		"audience":  ticketOf(says(members{"aud": "hidden"})),
		"sub":       ticketOf(says(members{"sub": []string{"hidden"}})),
		"nonce":     ticketOf(says(members{"nonce": nil, "sub": "hidden"})),
		"signature": compact(members{"alg": "HS256"}, says(members{"sub": "hidden"}), hs256("hidden")),
		"algorithm": compact(members{"alg": "hidden"}, says(nil), hs256(newSecret)),
		"base64":    "hidden.hid den.hidden",
		"JSON":      part("hidden") + "." + part("hidden") + ".",
		"parts":     "hidden",
	} {
		_, err := tickets().Open(ticket)
		if !errors.Is(err, ErrTicket) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestTicketsAsSource: a browser's session is no ticket.
func TestTicketsAsSource(t *testing.T) {
	t.Parallel()
	text := ticketOf(says(members{"nonce": nil}))
	sent := secret.New(text)
	cookies := []*http.Cookie{{Name: "session", Value: text}}
	for name, c := range map[string]Credentials{
		"nothing": {}, "Bearer": {Bearer: &sent}, "form": {Form: &sent}, "cookie": {Cookies: cookies},
	} {
		if user, err := tickets().CurrentUser(t.Context(), c); user != "" || !errors.Is(err, ErrSignedOut) {
			t.Errorf("%s: %q, %v", name, user, err)
		}
	}
	if tickets().OnlyOthers(cookies, "ada") {
		t.Error("a cookie names somebody")
	}
}

func TestIsTicket(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]bool{
		ticketOf(says(nil)): true,
		compact(members{"alg": "HS256"}, `{}`, unsigned):                        true,
		compact(members{"alg": "HS512"}, `{}`, unsigned):                        false,
		compact(members{"alg": "none"}, `{}`, unsigned):                         false,
		compact(members{"alg": "ES256"}, claim(nil), es256(private().ec)):       false,
		compact(members{"alg": "dir", "enc": "A256GCM"}, `{}`, unsigned) + "..": false,
		"HS256": false, "": false, "..": false,
	} {
		if got := IsTicket(secret.New(token)); got != want {
			t.Errorf("IsTicket(%q) = %v", token, got)
		}
	}
}
