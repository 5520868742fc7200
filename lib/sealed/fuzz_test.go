package sealed

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// fuzzNow is the clock of the fuzz targets.
var fuzzNow = time.Unix(1_800_000_000, 0)

// seal is a cookie that was sealed once with the key "one". They are written
// down, because a seal differs each time and the corpus holds them too.
type seal struct {
	flow, value string
	holds       string
	err         error // what opening it says
}

var seals = []seal{
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
			value, there := read.first(fuzzPrefix + s.flow)
			want := ErrUnreadable
			if there && value == s.value {
				want = s.err
			}
			got, err := cookies.Get(withHeader(header), s.flow)
			if err != want || err == nil && got.Text != s.holds {
				t.Errorf("flow %s: %v, %v, want %v", s.flow, got, err, want)
			}
			anyFresh = anyFresh || s.err == nil && read.has(fuzzPrefix+s.flow, s.value)

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

// sentCookies are the cookies of a header, read for these tests alone.
// https://www.rfc-editor.org/rfc/rfc6265#section-4.2.1
type sentCookies [][2]string

func readCookies(header string) (all sentCookies) {
	for part := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.Trim(part, " \t\r\n"), "=")
		if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		odd := func(r rune) bool { return r < ' ' || r >= 0x7f || r == '"' || r == '\\' }
		if !strings.ContainsFunc(value, odd) { // net/http passes over such a cookie
			all = append(all, [2]string{strings.Trim(name, " \t\r\n"), value})
		}
	}
	return all
}

func (s sentCookies) first(name string) (value string, there bool) {
	for _, cookie := range s {
		if cookie[0] == name {
			return cookie[1], true
		}
	}
	return "", false
}

func (s sentCookies) has(name, value string) bool {
	for _, cookie := range s {
		if cookie == [2]string{name, value} {
			return true
		}
	}
	return false
}
