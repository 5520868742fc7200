package web

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"igconnect/lib/connect"
)

var allowed = []string{own, appOrigin, "http://localhost:5173"}

var usualPort = map[string]string{"https": ":443", "http": ":80"}

// returnTos are addresses with what returnToAllowed should say of them.
var returnTos = map[string]bool{
	"/": true, "/a": true, "/a/b?c=d&e=%2F%2F#f": true, "/a//b": true, "/a/%2F": true, "/@x": true, "/a:b": true, "/?": true, "/#": true, "/a?x={y}|z": true,
	"https://app.example": true, "https://app.example/": true, "https://APP.example/a?b#c": true, "HtTpS://app.example:443/": true,
	"http://localhost:5173/x": true, "https://own.example/a": true, "https://app.example?x=1": true, "https://app.example#x": true,

	"//app.example": false, "///app.example": false, "/\\app.example": false, "\\/app.example": false, "\\\\app.example": false, "\\app.example": false,
	"/\t/evil.example": false, "/\n/evil.example": false, "\t//evil.example": false, " /a": false, "/a ": false, "/\x00/evil.example": false, "/\x7f": false,
	"/%2fevil.example": false, "/%2F%2Fevil.example": false, "/%5cevil.example": false,
	"https://evil.example": false, "https://app.example.evil.example": false, "https://evilapp.example": false, "https://app.example:8443": false,
	"https://app.example:": false, "https://app.example.": false, "http://app.example": false, "http://own.example": false, "http://localhost": false,
	"https://app.example@evil.example": false, "https://evil.example@app.example": false, "https://:@app.example": false, "https://@app.example": false,
	"https://app。example": false, "https://app．example": false, "https://app%2eexample": false, "https://ａpp.example": false, "https://app.example%00": false,
	"https:app.example": false, "https:/app.example": false, "https:///app.example": false, "https:\\\\app.example": false, "https://app.example\\@evil.example": false,
	"javascript:alert(1)": false, "JAVASCRIPT://app.example/%0aalert(1)": false, "data:text/html,x": false, "blob:https://app.example/x": false,
	"ftp://app.example": false, "ws://app.example": false, "mailto:a@app.example": false, "x": false, "?x": false, "#x": false, ".": false, "./a": false, "../a": false,
	// A public report: a path that browsers make "//host" of, which whoever redirects to the path of
	// the address follows to another host.
	"/.//evil.example": false, "/././/evil.example": false, "/foo/..//evil.example": false, "/..//evil.example": false, "/a/../..//evil.example": false,
	"/%2e//evil.example": false, "/%2E//evil.example": false, "/a/%2e%2E//evil.example": false, "/a/.%2e//evil.example": false, "/a/%2e.//x": false,
	"/.\\\\evil.example": false, "/.\\/evil.example": false, "/.\t//evil.example": false, "/.\n/\n/evil.example": false, "/./%2fevil.example": false, "/a/../%5Cevil": false,
	"https://app.example//evil.example": false, "https://app.example/.//evil.example": false, "https://own.example/a/..//evil.example": false,
	"https://app.example/%2e%2e//evil.example#f": false, "https://app.example/%2fevil.example": false, "//": false, "/.//": false,
	"/a/..": true, "/./a": true, "/a/./b": true, "/a/../b": true, "/a/b/..//c": true, "/%2ea//b": true, "/.../b": true, "/...//b": true, "/a?x=/.//y": true,
	"/a#/.//y": true, "https://app.example/a/../b": true, "https://app.example/.": true, "https://app.example?//x": true, "https://app.example#//x": true,

	"/a?b=%zz": false, "/%": false, "/a\u202e": false, "/ä": false, "/" + strings.Repeat("a", maxReturnTo): false, "": false,
}

func TestReturnTo(t *testing.T) {
	t.Parallel()
	for raw, want := range returnTos {
		if got := returnToAllowed(raw, allowed); got != want {
			t.Errorf("returnToAllowed(%q) = %v", raw, got)
		}
	}
}

// browserOrigin is where a browser on own would go, after
// https://url.spec.whatwg.org/#concept-basic-url-parser: the states that
// decide about scheme and host, character by character.
func browserOrigin(raw string) string {
	raw = strings.TrimFunc(raw, func(r rune) bool { return r <= ' ' })
	raw = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(raw)
	slash := func(i int) bool { return i < len(raw) && (raw[i] == '/' || raw[i] == '\\') }

	scheme, at := "https", 0
	for i := range len(raw) {
		letter := raw[i] >= 'a' && raw[i] <= 'z' || raw[i] >= 'A' && raw[i] <= 'Z'
		if raw[i] == ':' && i > 0 {
			scheme, at = strings.ToLower(raw[:i]), i+1
			if scheme != "http" && scheme != "https" {
				return "opaque"
			}
			if scheme == "https" && !(slash(at) && slash(at+1)) {
				return own // relative, in spite of the scheme: that of the base
			}
			break
		}
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(raw[i]))) {
			break
		}
	}
	if at == 0 && !(slash(0) && slash(1)) {
		return own
	}
	for slash(at) {
		at++
	}
	authority := raw[at:]
	if end := strings.IndexAny(authority, "/\\?#"); end >= 0 {
		authority = authority[:end]
	}
	host := strings.ToLower(authority[strings.LastIndex(authority, "@")+1:])
	host = strings.NewReplacer("。", ".", "．", ".", "%2e", ".", "\u00ad", "").Replace(host)
	return scheme + "://" + strings.TrimSuffix(strings.TrimSuffix(host, usualPort[scheme]), ":")
}

// Node's URL is the browsers' own algorithm: nothing that returnToAllowed lets through may
// lead elsewhere by it, and browserOrigin must agree with it.
func TestReturnToByNode(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("there is no Node to ask")
	case err != nil:
		t.Skip("there is no Node to ask")
	}
	addresses := slices.Collect(maps.Keys(returnTos))
	input, err := json.Marshal(addresses)
	if err != nil {
		t.Fatal(err)
	}
	ask := exec.Command(node, "-e", `
		const origins = JSON.parse(require("fs").readFileSync(0, "utf8")).map(raw => {
			try {
				const to = new URL(raw, process.argv[1] + "/api/login");
				return to.pathname.startsWith("//") ? "a path of two slashes" : to.origin;
			} catch { return "invalid" }
		});
		console.log(JSON.stringify(origins))`, own)
	ask.Stdin = strings.NewReader(string(input))
	output, err := ask.Output()
	if err != nil {
		t.Fatal(err)
	}
	var origins []string
	if err := json.Unmarshal(output, &origins); err != nil {
		t.Fatal(err)
	}
	for i, raw := range addresses {
		if returnTos[raw] && (!slices.Contains(allowed, origins[i]) || origins[i] != browserOrigin(raw)) {
			t.Errorf("%q is allowed: Node says %s, browserOrigin %s", raw, origins[i], browserOrigin(raw))
		}
	}
}

func TestWithResult(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ returnTo, want string }{
		{"", "/?connected=1,2"}, {"/", "/?connected=1,2"},
		{"/a?b=c", "/a?b=c&connected=1,2"}, {"/a#top", "/a?connected=1,2#top"}, {"/a?#", "/a?connected=1,2#"},
		{"/a?connected=9&b=%2F&error=access_denied", "/a?b=%2F&connected=1,2"},
		{"https://app.example", "https://app.example?connected=1,2"},
		{"https://app.example/x?y#z?w", "https://app.example/x?y&connected=1,2#z?w"},
	} {
		if got := withResult(c.returnTo, "connected", "1,2"); got != c.want {
			t.Errorf("%q: %q, want %q", c.returnTo, got, c.want)
		}
	}
}

// FuzzReturnTo holds returnToAllowed against browserOrigin, which shares nothing with
// it, and against net/url: what is allowed must lead a browser to an allowed
// origin, also after the result was added and after another login was begun
// with it.
func FuzzReturnTo(f *testing.F) {
	for raw := range returnTos {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if !returnToAllowed(raw, allowed) {
			return
		}
		done := withResult(raw, "connected", "1,2")
		for _, address := range []string{raw, done, withResult(raw, "error", string(AccessDenied))} {
			if origin := browserOrigin(address); !slices.Contains(allowed, origin) {
				t.Errorf("%q leads to %q", address, origin)
			}
			if origin := resolved(t, address); !slices.Contains(allowed, origin) {
				t.Errorf("%q leads to %q by net/url", address, origin)
			}
			if path := browserPath(address); strings.HasPrefix(path, "//") {
				t.Errorf("%q leads to the path %q", address, path)
			}
			if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7f }) || strings.ContainsAny(address, `"<>\`) {
				t.Errorf("%q breaks a header or a page", address)
			}
		}
		if browserOrigin(raw) != browserOrigin(done) {
			t.Errorf("%q leads elsewhere than %q", done, raw)
		}
		checkResult(t, raw, done)
		again, err := url.Parse(loginPath(connect.LoginOptions{ReturnTo: raw, Explain: true}))
		if err != nil || again.Host != "" || again.Path != "/api/login" || again.Query().Get("return_to") != raw {
			t.Errorf("a new login with %q goes to %v, %v", raw, again, err)
		}
	})
}

// browserPath is the path at which a browser ends with an address that has an allowed origin or none:
// the path state of the URL standard, by replacing what it drops.
func browserPath(address string) string {
	path := strings.NewReplacer("\\", "/").Replace(regexp.MustCompile(`^[A-Za-z]+://[^/?#]*|[?#].*$`).ReplaceAllString(address, ""))
	path = regexp.MustCompile(`(?i)%2e`).ReplaceAllString(path, ".")
	for _, dots := range []string{`/\.(/|$)`, `(^|/[^/]*)/\.\.(/|$)`} {
		for at := regexp.MustCompile(dots).FindStringIndex(path); at != nil; at = regexp.MustCompile(dots).FindStringIndex(path) {
			path = path[:at[0]] + "/" + path[at[1]:]
		}
	}
	return path
}

// resolved is the origin at which an address ends by RFC 3986.
func resolved(t *testing.T, address string) string {
	base, err := url.Parse(own + "/api/callback?code=x")
	if err != nil {
		t.Fatal(err)
	}
	to, err := base.Parse(address)
	if err != nil || to.User != nil || to.Opaque != "" {
		t.Errorf("%q: %v, %v", address, to, err)
		return ""
	}
	host := strings.ToLower(to.Host)
	return to.Scheme + "://" + strings.TrimSuffix(host, usualPort[to.Scheme])
}

// checkResult wants the one result that was added, and else nothing changed.
func checkResult(t *testing.T, raw, done string) {
	t.Helper()
	before, errBefore := url.Parse(raw)
	after, errAfter := url.Parse(done)
	if errBefore != nil || errAfter != nil {
		t.Fatalf("%q: %v, %v", done, errBefore, errAfter)
	}
	if before.EscapedPath() != after.EscapedPath() || before.EscapedFragment() != after.EscapedFragment() {
		t.Errorf("%q became %q", raw, done)
	}
	had, has := before.Query(), after.Query()
	if got := has["connected"]; len(got) != 1 || got[0] != "1,2" || has.Has("error") {
		t.Errorf("%q says connected %q, error %q", done, got, has["error"])
	}
	for _, result := range []string{"connected", "error"} {
		had.Del(result)
		has.Del(result)
	}
	if had.Encode() != has.Encode() {
		t.Errorf("%q became %q", raw, done)
	}
	if twice := withResult(withResult(raw, "error", "x"), "connected", "1,2"); twice != done {
		t.Errorf("after an earlier result it is %q instead of %q", twice, done)
	}
}
