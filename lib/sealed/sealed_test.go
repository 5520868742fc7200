package sealed

import (
	"errors"
	"net/http"
	"net/http/httptest"
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

// browser is as much of a cookie jar as the tests need.
type browser map[string]string

func (b browser) request() *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	for name, value := range b {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

func (b browser) take(w *httptest.ResponseRecorder) {
	for _, cookie := range w.Result().Cookies() {
		if cookie.MaxAge < 0 {
			delete(b, cookie.Name)
		} else {
			b[cookie.Name] = cookie.Value
		}
	}
}

func TestCookies(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	cookies := Cookies[note]{Box: box(t, "one"), Kind: "state", Secure: true, Now: func() time.Time { return now }}
	jar := browser{"__Host-igconnect_state_junk": "junk", "other": "x"}

	flow := Flow("the state")
	w := httptest.NewRecorder()
	if err := cookies.Set(w, jar.request(), flow, note{"hello"}); err != nil {
		t.Fatal(err)
	}
	header := w.Header().Get("Set-Cookie")
	_, attributes, _ := strings.Cut(header, "; ")
	if want := "Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"; attributes != want {
		t.Errorf("attributes %q, want %q", attributes, want)
	}
	if !strings.HasPrefix(header, "__Host-igconnect_state_"+flow+"=") || strings.Contains(header, "hello") {
		t.Errorf("Set-Cookie: %s", header)
	}
	jar.take(w)
	if got, err := cookies.Get(jar.request(), flow); err != nil || got.Text != "hello" {
		t.Errorf("Get = %v, %v", got, err)
	}
	if _, err := cookies.Get(jar.request(), Flow("another")); !errors.Is(err, ErrUnreadable) {
		t.Errorf("another flow: %v", err)
	}
	jar["__Host-igconnect_state_"+Flow("another")] = jar["__Host-igconnect_state_"+flow]
	if _, err := cookies.Get(jar.request(), Flow("another")); !errors.Is(err, ErrUnreadable) {
		t.Errorf("moved to another name: %v", err)
	}

	now = now.Add(Lifetime)
	if _, err := cookies.Get(jar.request(), flow); err != nil {
		t.Errorf("after ten minutes: %v", err)
	}
	now = now.Add(time.Second)
	if _, err := cookies.Get(jar.request(), flow); !errors.Is(err, ErrExpired) {
		t.Errorf("a second later: %v", err)
	}

	w = httptest.NewRecorder()
	cookies.Clear(w, flow)
	jar.take(w)
	if _, err := cookies.Get(jar.request(), flow); !errors.Is(err, ErrUnreadable) {
		t.Errorf("cleared: %v", err)
	}
}

func TestCookiesKeepTheNewestFour(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	cookies := Cookies[note]{Box: box(t, "one"), Kind: "state", Secure: true, Now: func() time.Time { return now }}
	jar := browser{"__Host-igconnect_state_junk": "junk", "igconnect_state_x": "of http"}
	for _, state := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		now = now.Add(time.Second)
		w := httptest.NewRecorder()
		if err := cookies.Set(w, jar.request(), Flow(state), note{state}); err != nil {
			t.Fatal(err)
		}
		jar.take(w)
	}
	if len(jar) != 5 {
		t.Errorf("%d cookies kept: %v", len(jar), jar)
	}
	for _, state := range []string{"g", "h", "i", "j"} {
		if got, err := cookies.Get(jar.request(), Flow(state)); err != nil || got.Text != state {
			t.Errorf("flow %s: %v, %v", state, got, err)
		}
	}
	if flow, got, err := cookies.Newest(jar.request()); err != nil || got.Text != "j" || flow != Flow("j") {
		t.Errorf("Newest = %s, %v, %v", flow, got, err)
	}
}

func TestCookiesWithoutTLS(t *testing.T) {
	cookies := Cookies[note]{Box: box(t, "one"), Kind: "state", Now: time.Now}
	w := httptest.NewRecorder()
	if err := cookies.Set(w, httptest.NewRequest("GET", "/", nil), "f", note{}); err != nil {
		t.Fatal(err)
	}
	if header := w.Header().Get("Set-Cookie"); !strings.HasPrefix(header, "igconnect_state_f=") || strings.Contains(header, "Secure") {
		t.Errorf("Set-Cookie: %s", header)
	}
	if _, _, err := cookies.Newest(httptest.NewRequest("GET", "/", nil)); !errors.Is(err, ErrUnreadable) {
		t.Errorf("Newest of none: %v", err)
	}
	if err := cookies.Set(w, httptest.NewRequest("GET", "/", nil), "f", note{strings.Repeat("x", 3000)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("3,000 bytes: %v", err)
	}
}
