package vercelsim

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":                 `{`,
		"two values":              `{"framework":null}{}`,
		"no framework":            `{}`,
		"a framework":             `{"framework":"nextjs"}`,
		"unknown key":             `{"framework":null,"redirects":[]}`,
		"unknown key of function": `{"framework":null,"functions":{"api/a.go":{"maxDuration":1,"memory":1}}}`,
		"no duration":             `{"framework":null,"functions":{"api/a.go":{}}}`,
		"glob":                    `{"framework":null,"functions":{"api/**/a.go":{"maxDuration":1}}}`,
		"braces":                  `{"framework":null,"functions":{"api/{a,b}.go":{"maxDuration":1}}}`,
		"condition":               `{"framework":null,"headers":[{"source":"/a","has":[],"headers":[]}]}`,
		"bad source":              `{"framework":null,"rewrites":[{"source":"/{a}","destination":"/b"}]}`,
		"bad header source":       `{"framework":null,"headers":[{"source":"a","headers":[]}]}`,
		"param in a header":       `{"framework":null,"headers":[{"source":"/:a","headers":[{"key":"X","value":":a"}]}]}`,
		"nameless header":         `{"framework":null,"headers":[{"source":"/a","headers":[{"value":"b"}]}]}`,
		"elsewhere":               `{"framework":null,"rewrites":[{"source":"/a","destination":"https://b.example/"}]}`,
		"elsewhere by slashes":    `{"framework":null,"rewrites":[{"source":"/a","destination":"//b.example/"}]}`,
		"fragment":                `{"framework":null,"rewrites":[{"source":"/a","destination":"/b#c"}]}`,
		"bad query":               `{"framework":null,"rewrites":[{"source":"/a","destination":"/b?%"}]}`,
		"a cron job every hour":   `{"framework":null,"crons":[{"path":"/api/a","schedule":"0 * * * *"}]}`,
		"a cron job on Mondays":   `{"framework":null,"crons":[{"path":"/api/a","schedule":"0 5 * * 1"}]}`,
		"param in a path":         `{"framework":null,"rewrites":[{"source":"/(.*)","destination":"/:b"}]}`,
		"param in a query":        `{"framework":null,"rewrites":[{"source":"/(.*)","destination":"/b?c=:d"}]}`,
		"param in a source":       `{"framework":null,"rewrites":[{"source":"/:a","destination":"/b"}]}`,
	} {
		if _, err := Load([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), "vercel.json") {
			t.Errorf("%s: %q does not name the file", name, err)
		}
	}
}

// TestOwnFile holds the project's own vercel.json to what it promises.
func TestOwnFile(t *testing.T) {
	rules := must(Load(must(os.ReadFile("../../vercel.json"))))
	everywhere := []string{"Referrer-Policy: same-origin", "Strict-Transport-Security: max-age=63072000", "X-Content-Type-Options: nosniff"}
	for path, want := range map[string][]string{
		"/":                    everywhere,
		"/igconnect/style.css": append([]string{"Access-Control-Allow-Origin: *", "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'"}, everywhere...),
		"/api/login":           append([]string{"Cache-Control: no-store"}, everywhere...),
		"/api/auth/callback":   append([]string{"Cache-Control: no-store"}, everywhere...),
	} {
		if diff := cmp.Diff(want, lines(rules.headersFor(path))); diff != "" {
			t.Errorf("headers of %s (-want +got):\n%s", path, diff)
		}
	}
	for path, want := range map[string]string{"/": "/api/home", "/api/auth/login": "/api/login", "/api/auth/callback": "/api/callback"} {
		var got []string
		for _, w := range rules.rewrites {
			if w.source.match(path) {
				got = append(got, w.path)
			}
		}
		if diff := cmp.Diff([]string{want}, got); diff != "" {
			t.Errorf("%s is rewritten (-want +got):\n%s", path, diff)
		}
	}
}

// TestLastHeaderWins: of two rules that set the same header the later counts.
func TestLastHeaderWins(t *testing.T) {
	rules := must(Load([]byte(`{"framework":null,"headers":[
		{"source":"/(.*)","headers":[{"key":"X-A","value":"1"},{"key":"x-b","value":"1"}]},
		{"source":"/p","headers":[{"key":"x-a","value":"2"}]}]}`)))
	if diff := cmp.Diff([]string{"X-A: 2", "X-B: 1"}, lines(rules.headersFor("/p"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// lines is a header as sorted "Key: value" lines.
func lines(h http.Header) []string {
	var b strings.Builder
	h.Write(&b) // sorts
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(b.String(), "\r\n", "\n")), "\n")
}

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		source, path string
		want         bool
	}{
		{"/api/auth/login", "/api/auth/login", true},
		{"/api/auth/login", "/api/auth/login/", false},
		{"/api/auth/login", "/API/auth/login", false},
		{"/a.b", "/axb", false},
		{"/(.*)", "/", true},
		{"/(.*)", "/a/b", true},
		{"/api/(.*)", "/api/", true},
		{"/api/(.*)", "/api", false},
		{"/api/(.*)", "/apix/login", false},
		{"/((?!api/).*)", "/", true},
		{"/((?!api/).*)", "/style.css", true},
		{"/((?!api/).*)", "/api", true},
		{"/((?!api/).*)", "/apis/x", true},
		{"/((?!api/).*)", "/api/login", false},
		{"/((?!api|dev).*)", "/devices", false},
		{"/((?!api|dev).*)", "/x/dev", true},
		{`/u/(\d+)`, "/u/77", true},
		{`/u/(\d+)`, "/u/x", false},
		{"/f/(a|b)/end", "/f/b/end", true},
		{`/a\:b`, "/a:b", true},
	} {
		p, err := compile(tt.source)
		if err != nil {
			t.Errorf("compile(%q): %v", tt.source, err)
		} else if got := p.match(tt.path); got != tt.want {
			t.Errorf("%q on %q: %v", tt.source, tt.path, got)
		}
	}
}

func TestPatternRefuses(t *testing.T) {
	for _, source := range []string{
		"", "api", "/{a}?", "/a*", "/+", "/:", "/(a", "/a)", "/()", "/((a)b)", `/a\`, "/(?=a)", "/(a(?=b))",
		"/:x/((?!api/).*)", "/((?!a(b)).*)", "/((?!api/).*)?", "/((?!api/))", "/a(b)*",
		"/u/:id", `/u/:id(\d+)`, "/f/:path*", "/f/:path+", "/f/:x?/end", "/f/:name.:ext", "/(a)((?!b).*)", "/((?!a", "/([)",
	} {
		if p, err := compile(source); err == nil {
			t.Errorf("compile(%q) = %v, want an error", source, p.expr)
		}
	}
}

// FuzzPattern: no source and no path may make the compiler panic, and what it accepts it can match.
func FuzzPattern(f *testing.F) {
	f.Add("/((?!api/).*)", "/api/x")
	f.Add("/:a(x|y)+/b", "/x/b")
	f.Fuzz(func(t *testing.T, source, path string) {
		if p, err := compile(source); err == nil {
			p.match(path)
		}
	})
}
