package vercelsim

import "testing"

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
