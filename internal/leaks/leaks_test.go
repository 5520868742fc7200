package leaks

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
)

const secret = `EAAB?se/cret+"token"&more`

// TestFind: a secret is found however it is wrapped, and only there.
func TestFind(t *testing.T) {
	quoted, _ := json.Marshal(map[string]string{"token": secret})
	dirty := map[string]string{
		"plain":           "a " + secret + " b",
		"at the end":      "a " + secret,
		"alone":           secret,
		"query":           "https://x.example/?t=" + url.QueryEscape(secret),
		"query, lower":    "https://x.example/?t=EAAB%3fse%2fcret%2b%22token%22%26more",
		"path":            "https://x.example/" + url.PathEscape(secret) + "/more",
		"JSON":            string(quoted),
		"HTML":            `<input value="` + html.EscapeString(secret) + `">`,
		"hex":             fmt.Sprintf(`\x%x`, "before"+secret),
		"hex, upper case": strings.ToUpper(hex.EncodeToString([]byte("before" + secret))),
	}
	for _, before := range []string{"", "1", "12", "123"} {
		for _, after := range []string{"", "1", "12"} {
			dirty["base64 "+before+" "+after] = base64.StdEncoding.EncodeToString([]byte(before + secret + after))
			dirty["base64url "+before+" "+after] = base64.RawURLEncoding.EncodeToString([]byte(before + secret + after))
		}
	}
	search := NewSearch(map[string]string{"another": "another secret", "token": secret})
	for name, text := range dirty {
		found := search.In([]byte(text))
		if len(found) == 0 {
			t.Errorf("not found: %s: %s", name, text)
		}
		for _, leak := range found {
			if leak.Secret != "token" || strings.Contains(leak.String(), secret) {
				t.Errorf("%s: %s", name, leak)
			}
		}
	}
	for _, text := range []string{"", "EAAB", secret[:len(secret)-1], secret[1:], "another token"} {
		if found := search.In([]byte(text)); len(found) != 0 {
			t.Errorf("%q: %v", text, found)
		}
	}
}

// TestFindAll: every secret is named, with its place.
func TestFindAll(t *testing.T) {
	found := Find([]byte("one: first-secret, two: second-secret, again: first-secret"),
		map[string]string{"1": "first-secret", "2": "second-secret", "3": "third-secret"})
	if len(found) != 2 || found[0].Secret != "1" || found[0].At != 5 || found[1].Secret != "2" || found[1].Form != "plain" {
		t.Errorf("%v", found)
	}
}

// TestBeginning: a long secret is found even where its end was cut off.
func TestBeginning(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 4)
	for text, want := range map[string]bool{
		long[:30] + "…": true, "see " + long[:24]: true, long[:23]: false, "EAA": false,
	} {
		if found := Find([]byte(text), map[string]string{"long": long}); (len(found) > 0) != want {
			t.Errorf("%q: %v", text, found)
		}
	}
	jwt := "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + long + ".signature"
	if found := Find([]byte(jwt[:50]), map[string]string{"session": jwt}); len(found) > 0 {
		t.Errorf("what all sessions begin with: %v", found)
	}
}

// TestTooShort: what would be found by chance is refused, not passed over.
func TestTooShort(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a secret of seven bytes is searched for")
		}
	}()
	NewSearch(map[string]string{"short": "1234567"})
}

// FuzzFind: wherever a secret is put, the search finds it.
func FuzzFind(f *testing.F) {
	f.Add([]byte("before"), []byte("a secret of some length"), []byte("after"))
	f.Add([]byte("aaaaaaa"), []byte("aaaaaaaa"), []byte("a"))
	f.Add([]byte{}, []byte("\x00\xff\x00\xff\x00\xff\x00\xff"), []byte{})
	f.Fuzz(func(t *testing.T, before, secret, after []byte) {
		if len(secret) < startLength || len(secret) > 200 {
			return
		}
		secrets := map[string]string{"it": string(secret)}
		text := bytes.Join([][]byte{before, secret, after}, nil)
		want := bytes.Index(text, secret)
		if found := Find(text, secrets); len(found) == 0 || found[0].At > want {
			t.Errorf("in %q: %v, want one at %d", text, found, want)
		}
		for _, encoded := range []string{hex.EncodeToString(text), base64.StdEncoding.EncodeToString(text), base64.URLEncoding.EncodeToString(text)} {
			if len(Find([]byte(encoded), secrets)) == 0 {
				t.Errorf("not found in %s", encoded)
			}
		}
	})
}

func BenchmarkIn(b *testing.B) {
	secrets := map[string]string{}
	for i := range 1000 {
		secrets[fmt.Sprint(i)] = fmt.Sprintf("EAA%dwith-something-behind", i*7919)
	}
	search, text := NewSearch(secrets), bytes.Repeat([]byte(`{"level":"INFO","msg":"request","ms":12}`), 25_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		search.In(text)
	}
}
