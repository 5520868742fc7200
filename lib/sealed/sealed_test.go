package sealed

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/lib/secret"
)

func box(t testing.TB, secrets ...string) *Box {
	t.Helper()
	var list []secret.String
	for _, s := range secrets {
		list = append(list, secret.New(s))
	}
	b, err := NewBox(list, "https://app.example")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBox(t *testing.T) {
	t.Parallel()
	b := box(t, "one")
	value := b.Seal("name", []byte("hello"))
	if b.Seal("name", []byte("hello")) == value {
		t.Error("the same seal twice: the nonce repeats")
	}
	elsewhere, err := NewBox([]secret.String{secret.New("one")}, "https://preview.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		box         *Box
		cookie, raw string
		err         error
	}{
		{"as sealed", b, "name", value, nil},
		{"another name", b, "name2", value, ErrUnreadable},
		{"another key", box(t, "two"), "name", value, ErrUnreadable},
		{"a rotated key", box(t, "two", "one"), "name", value, nil},
		{"another deployment", elsewhere, "name", value, ErrUnreadable},
		{"cut", b, "name", value[:len(value)-1], ErrUnreadable},
		{"padded", b, "name", value + "=", ErrUnreadable},
		{"empty", b, "name", "", ErrUnreadable},
		{"short", b, "name", "AAAA", ErrUnreadable},
	} {
		plain, err := c.box.Open(c.cookie, c.raw)
		if !errors.Is(err, c.err) || err == nil && string(plain) != "hello" {
			t.Errorf("%s: %q, %v", c.name, plain, err)
		}
	}
	for i := range value { // every single character counts
		altered := []byte(value)
		altered[i] = map[bool]byte{true: 'B', false: 'A'}[altered[i] == 'A']
		if _, err := b.Open("name", string(altered)); err == nil {
			t.Errorf("altered at %d and still opened", i)
		}
	}
}

type note struct{ Text string }

// browser holds cookies by name, as much as these tests need.
type browser map[string]string

// jar is the [Jar] of a request of this browser.
func (b browser) jar() *Jar {
	var sent []*http.Cookie
	for name, value := range b {
		sent = append(sent, &http.Cookie{Name: name, Value: value})
	}
	return NewJar(sent)
}

// begin seals a text for a flow, and keeps the cookie.
func (b browser) begin(t *testing.T, cookies Cookies[note], flow, text string) (header string) {
	t.Helper()
	jar := b.jar()
	if err := cookies.Set(jar, flow, note{text}); err != nil {
		t.Fatal(err)
	}
	b.take(jar)
	return jar.Changes()[0].String()
}

// take makes the changes that a response carries.
func (b browser) take(jar *Jar) {
	for _, cookie := range jar.Changes() {
		if cookie.MaxAge < 0 {
			delete(b, cookie.Name)
		} else {
			b[cookie.Name] = cookie.Value
		}
	}
}

// states are the cookies of these tests and the clock that they read.
func states(t *testing.T) (Cookies[note], *time.Time) {
	now := time.Unix(1_800_000_000, 0)
	return Cookies[note]{Box: box(t, "one"), Kind: "state", Secure: true, Now: func() time.Time { return now }}, &now
}

func TestCookies(t *testing.T) {
	t.Parallel()
	cookies, now := states(t)
	b := browser{"__Host-igconnect_state_junk": "junk", "other": "x"}
	flow, another := Flow("the state"), Flow("another")

	header := b.begin(t, cookies, flow, "hello")
	_, attributes, _ := strings.Cut(header, "; ")
	if want := "Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"; attributes != want {
		t.Errorf("attributes %q, want %q", attributes, want)
	}
	if !strings.HasPrefix(header, "__Host-igconnect_state_"+flow+"=") || strings.Contains(header, "hello") {
		t.Errorf("Set-Cookie: %s", header)
	}

	want := func(when, flow string, want error) {
		t.Helper()
		if got, err := cookies.Get(b.jar(), flow); !errors.Is(err, want) || err == nil && got.Text != "hello" {
			t.Errorf("%s: %v, %v; want error %v", when, got, err, want)
		}
	}
	want("at once", flow, nil)
	want("another flow", another, ErrUnreadable)
	b["__Host-igconnect_state_"+another] = b["__Host-igconnect_state_"+flow]
	want("moved to another name", another, ErrUnreadable)
	*now = now.Add(Lifetime)
	want("after ten minutes", flow, nil)
	*now = now.Add(time.Second)
	want("a second later", flow, ErrExpired)

	jar := b.jar()
	cookies.Clear(jar, flow)
	b.take(jar)
	want("cleared", flow, ErrUnreadable)
}

// TestJar: a name changes once, as it was changed last, and what was changed is
// not what the browser sent.
func TestJar(t *testing.T) {
	t.Parallel()
	cookies, _ := states(t)
	b := browser{}
	b.begin(t, cookies, "a", "before")
	jar := b.jar()
	cookies.Clear(jar, "a")
	cookies.Clear(jar, "b")
	if err := cookies.Set(jar, "a", note{"after"}); err != nil {
		t.Fatal(err)
	}
	if err := cookies.Set(jar, "c", note{strings.Repeat("x", 3000)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("3,000 bytes: %v", err)
	}
	var changes []string
	for _, change := range jar.Changes() {
		name, _, _ := strings.Cut(change.String(), "=")
		changes = append(changes, strings.TrimPrefix(name, cookies.prefix()))
	}
	if !slices.Equal(changes, []string{"b", "a"}) {
		t.Errorf("changes %q, want b and then a", changes)
	}
	if got, err := cookies.Get(jar, "a"); err != nil || got.Text != "before" {
		t.Errorf("Get reads %v, %v; want what the browser sent", got, err)
	}
	b.take(jar)
	if got, err := cookies.Get(b.jar(), "a"); err != nil || got.Text != "after" {
		t.Errorf("the next request reads %v, %v", got, err)
	}
}

func TestCookiesKeepTheNewestFour(t *testing.T) {
	t.Parallel()
	cookies, now := states(t)
	b := browser{"__Host-igconnect_state_junk": "junk", "igconnect_state_x": "of http"}
	for _, state := range strings.Split("abcdefghij", "") {
		*now = now.Add(time.Second)
		b.begin(t, cookies, Flow(state), state)
	}
	if len(b) != 5 {
		t.Errorf("%d cookies kept: %v", len(b), b)
	}
	for _, state := range []string{"g", "h", "i", "j"} {
		if got, err := cookies.Get(b.jar(), Flow(state)); err != nil || got.Text != state {
			t.Errorf("flow %s: %v, %v", state, got, err)
		}
	}
	if flow, got, err := cookies.Newest(b.jar()); err != nil || got.Text != "j" || flow != Flow("j") {
		t.Errorf("Newest = %s, %v, %v", flow, got, err)
	}
}

func TestCookiesWithoutTLS(t *testing.T) {
	t.Parallel()
	cookies, _ := states(t)
	cookies.Secure = false
	header := browser{}.begin(t, cookies, "f", "")
	if !strings.HasPrefix(header, "igconnect_state_f=") || strings.Contains(header, "Secure") {
		t.Errorf("Set-Cookie: %s", header)
	}
	if _, _, err := cookies.Newest(NewJar(nil)); !errors.Is(err, ErrUnreadable) {
		t.Errorf("Newest of none: %v", err)
	}
}

// fuzzNow is the clock of the fuzz targets.
var fuzzNow = time.Unix(1_800_000_000, 0)

// seals are cookies that were sealed once with the key "one". They are written
// down, because a seal differs each time and the corpus holds them too.
var seals = []struct {
	flow, value, holds string
	err                error // what opening it says
}{
	{"d098ab5e44b9aabb", "Ok1LPOAugxgaMoa0_5aws3B9NImXShoXVl-sP-B1xLnueVEi_lwoHHtMGseST7123FOCW_rQybdykrr2bnnYslrpMqvLwao", "hello", nil},
	{"16367aacb67a4a01", "NHyU35X1qr2BLEe0sxO-YsKpdc6yjbLss3V84ujPKQCRg4zh4FBDKnibTATGLsTPNiUKDK6k9GVv8Lt7imT9xGY-xvJuaDCMziDr", "other tab", nil},
	{"fa64ea1e82e1206f", "fBWhTkHiVP0lU12aqLkxlttaGYUqyMyKg4kB2zNdyhUu7FxPwL7Q02-7bMdnk4zE3GUuJSWvrLAUgRhEsokQYu6_cky_", "", ErrExpired},
	{"74234e98afe7498f", "xntWXScCp4KEGD25JoaY4NbAY3qigFJ_XuT7vGBMPw", "", ErrUnreadable}, // of another shape
}

const fuzzPrefix = "__Host-igconnect_state_"

// FuzzCookies gives a whole Cookie header. A flow's cookie opens only if we sealed
// it under its own name, in time, and if it is the first of its name, whatever
// other cookies are sent; and a new flow leaves the browser with no more than
// four.
func FuzzCookies(f *testing.F) {
	cookies := Cookies[note]{Box: box(f, "one"), Kind: "state", Secure: true, Now: func() time.Time { return fuzzNow }}
	f.Fuzz(func(t *testing.T, header string) {
		read, anyFresh := readCookies(header), false
		for _, s := range seals {
			values, want := read[fuzzPrefix+s.flow], ErrUnreadable
			if len(values) > 0 && values[0] == s.value {
				want = s.err
			}
			got, err := cookies.Get(withHeader(header), s.flow)
			if err != want || err == nil && got.Text != s.holds {
				t.Errorf("flow %s: %v, %v, want %v", s.flow, got, err, want)
			}
			anyFresh = anyFresh || s.err == nil && slices.Contains(values, s.value)

			valid := fuzzPrefix + s.flow + "=" + s.value
			got, err = cookies.Get(withHeader(valid+"; "+header), s.flow)
			if strings.Count(header, ";") < 2000 && (err != s.err || err == nil && got.Text != s.holds) {
				t.Errorf("a valid one before %q: %v, %v", header, got, err)
			}
		}
		if _, _, err := cookies.Newest(withHeader(header)); (err == nil) != anyFresh {
			t.Errorf("Newest: %v, fresh %v", err, anyFresh)
		}
		checkSet(t, cookies, header)
	})
}

// checkSet begins one more flow in a browser that sent the header.
func checkSet(t *testing.T, cookies Cookies[note], header string) {
	jar := withHeader(header)
	if err := cookies.Set(jar, "new", note{"x"}); err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, cookie := range jar.sent {
		if strings.HasPrefix(cookie.Name, fuzzPrefix) {
			left[cookie.Name] = true
		}
	}
	for _, change := range jar.Changes() {
		line := change.String()
		name, rest, _ := strings.Cut(line, "=")
		_, attributes, _ := strings.Cut(rest, "; ")
		broken := strings.ContainsAny(line, "\r\n\x00") || len(line) > len(header)+maxBytes
		if broken || !strings.HasPrefix(name, fuzzPrefix) {
			t.Errorf("Set-Cookie: %q", line)
		}
		switch attributes {
		case "Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax":
			left[name] = true
		case "Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax":
			delete(left, name)
		default:
			t.Errorf("attributes %q", attributes)
		}
	}
	if !left[fuzzPrefix+"new"] || len(left) > keep {
		t.Errorf("the browser keeps %v", left)
	}
}

// FuzzBox seals anything for any name: it opens for that name only, and not with a
// bit flipped, a character less or more, or another key.
func FuzzBox(f *testing.F) {
	b, other := box(f, "one", "an older one"), box(f, "another")
	f.Fuzz(func(t *testing.T, name string, plain []byte, otherName string, at uint16) {
		value := b.Seal(name, plain)
		if opened, err := b.Open(name, value); err != nil || !bytes.Equal(opened, plain) {
			t.Errorf("opened %q, %v", opened, err)
		}
		refused := func(what string, box *Box, name, value string) {
			if opened, err := box.Open(name, value); !errors.Is(err, ErrUnreadable) || opened != nil {
				t.Errorf("%s: %q, %v", what, opened, err)
			}
		}
		if otherName != name {
			refused("another name", b, otherName, value)
		}
		place, characters := int(at)%len(value), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		flipped := characters[strings.IndexByte(characters, value[place])^1<<(at%6)]
		refused("a bit flipped", b, name, value[:place]+string(flipped)+value[place+1:])
		refused("cut", b, name, value[:place])
		refused("one removed", b, name, value[:place]+value[place+1:])
		refused("a line break", b, name, value[:place]+"\n"+value[place:])
		refused("padded", b, name, value+"=")
		refused("another key", other, name, value)
		refused("never sealed", b, name, string(plain))
	})
}

func withHeader(header string) *Jar {
	return NewJar((&http.Request{Header: http.Header{"Cookie": {header}}}).Cookies())
}

// readCookies reads the values of a header's cookies by name, for these tests alone.
// https://www.rfc-editor.org/rfc/rfc6265#section-4.2.1
func readCookies(header string) map[string][]string {
	all := map[string][]string{}
	for part := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.Trim(part, " \t\r\n"), "=")
		if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		odd := func(r rune) bool { return r < ' ' || r >= 0x7f || r == '"' || r == '\\' }
		if !strings.ContainsFunc(value, odd) { // net/http passes over such a cookie
			name = strings.Trim(name, " \t\r\n")
			all[name] = append(all[name], value)
		}
	}
	return all
}
