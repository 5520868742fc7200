package vercelsim

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPattern(t *testing.T) {
	none := map[string]string{}
	for _, tt := range []struct {
		source, path string
		want         map[string]string // nil: no match
	}{
		{"/api/auth/login", "/api/auth/login", none},
		{"/api/auth/login", "/api/auth/login/", nil},
		{"/api/auth/login", "/API/auth/login", nil},
		{"/a.b", "/axb", nil},
		{"/(.*)", "/", none},
		{"/(.*)", "/a/b", none},
		{"/api/(.*)", "/api/", none},
		{"/api/(.*)", "/api", nil},
		{"/api/(.*)", "/apix/login", nil},
		{"/((?!api/).*)", "/", none},
		{"/((?!api/).*)", "/style.css", none},
		{"/((?!api/).*)", "/api", none},
		{"/((?!api/).*)", "/apis/x", none},
		{"/((?!api/).*)", "/api/login", nil},
		{"/((?!api|dev).*)", "/devices", nil},
		{"/((?!api|dev).*)", "/x/dev", none},
		{"/u/:id", "/u/7", map[string]string{"id": "7"}},
		{"/u/:id", "/u/", nil},
		{"/u/:id", "/u/7/8", nil},
		{`/u/:id(\d+)`, "/u/77", map[string]string{"id": "77"}},
		{`/u/:id(\d+)`, "/u/x", nil},
		{"/f/:path*", "/f", map[string]string{"path": ""}},
		{"/f/:path*", "/f/a/b", map[string]string{"path": "a/b"}},
		{"/f/:path+", "/f", nil},
		{"/f/:path+", "/f/a/b", map[string]string{"path": "a/b"}},
		{"/f/:x?", "/f", map[string]string{"x": ""}},
		{"/f/:x?/end", "/f/end", map[string]string{"x": ""}},
		{"/f/:name.:ext", "/f/a.css", map[string]string{"name": "a", "ext": "css"}},
		{`/a\:b`, "/a:b", none},
	} {
		p, err := compile(tt.source)
		if err != nil {
			t.Errorf("compile(%q): %v", tt.source, err)
			continue
		}
		got, ok := p.match(tt.path)
		if !ok {
			got = nil
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q on %q (-want +got):\n%s", tt.source, tt.path, diff)
		}
	}
}

func TestPatternRefuses(t *testing.T) {
	for _, source := range []string{
		"", "api", "/{a}?", "/a*", "/+", "/:", "/(a", "/a)", "/()", "/((a)b)", `/a\`, "/(?=a)", "/(a(?=b))",
		"/:x/((?!api/).*)", "/((?!a(b)).*)", "/((?!api/).*)?", "/((?!api/))", "/a(b)*",
	} {
		if p, err := compile(source); err == nil {
			t.Errorf("compile(%q) = %v, want an error", source, p.expr)
		}
	}
}

// FuzzPattern: no source and no path may make the compiler panic, and what it
// accepts it can match.
func FuzzPattern(f *testing.F) {
	f.Add("/((?!api/).*)", "/api/x")
	f.Add("/:a(x|y)+/b", "/x/b")
	f.Fuzz(func(t *testing.T, source, path string) {
		if p, err := compile(source); err == nil {
			p.match(path)
		}
	})
}
