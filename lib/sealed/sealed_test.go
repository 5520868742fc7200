package sealed

import (
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
	return Cookies[note]{
		Box: box(t, "one"), Kind: "state", Secure: true, Now: func() time.Time { return now },
	}, &now
}

func TestCookies(t *testing.T) {
	t.Parallel()
	cookies, now := states(t)
	b := browser{"__Host-igconnect_state_junk": "junk", "other": "x"}
	flow, another := Flow("the state"), Flow("another")

	jar := b.jar()
	if err := cookies.Set(jar, flow, note{"hello"}); err != nil {
		t.Fatal(err)
	}
	header := jar.Changes()[0].String()
	_, attributes, _ := strings.Cut(header, "; ")
	if want := "Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"; attributes != want {
		t.Errorf("attributes %q, want %q", attributes, want)
	}
	if !strings.HasPrefix(header, "__Host-igconnect_state_"+flow+"=") || strings.Contains(header, "hello") {
		t.Errorf("Set-Cookie: %s", header)
	}
	b.take(jar)

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

	jar = b.jar()
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
	first := b.jar()
	if err := cookies.Set(first, "a", note{"before"}); err != nil {
		t.Fatal(err)
	}
	b.take(first)

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
		jar := b.jar()
		if err := cookies.Set(jar, Flow(state), note{state}); err != nil {
			t.Fatal(err)
		}
		b.take(jar)
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
	jar := NewJar(nil)
	if err := cookies.Set(jar, "f", note{}); err != nil {
		t.Fatal(err)
	}
	header := jar.Changes()[0].String()
	if !strings.HasPrefix(header, "igconnect_state_f=") || strings.Contains(header, "Secure") {
		t.Errorf("Set-Cookie: %s", header)
	}
	if _, _, err := cookies.Newest(NewJar(nil)); !errors.Is(err, ErrUnreadable) {
		t.Errorf("Newest of none: %v", err)
	}
}
