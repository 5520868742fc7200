package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/config"
)

func TestParseEnv(t *testing.T) {
	text := "\ufeff# a comment\r\n\r\n" +
		"PLAIN=value\r\n" +
		"export  EXPORTED = spaced out # why\n" +
		"HASH=a#b\n" +
		"EMPTY=\n" +
		"ONLY_COMMENT= # nothing\n" +
		`DOUBLE="a \"b\"\n#c" # why` + "\n" +
		`SINGLE='a\n"b"'` + "\n" +
		"URL=https://a.example/?b=c&d=e\n" +
		"TWICE=1\nTWICE=2"
	got, err := parseEnv(text)
	if err != nil {
		t.Fatal(err)
	}
	want := env{
		"PLAIN": "value", "EXPORTED": "spaced out", "HASH": "a#b", "DOUBLE": "a \"b\"\n#c", "SINGLE": `a\n"b"`,
		"URL": "https://a.example/?b=c&d=e", "TWICE": "2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseEnvRefuses(t *testing.T) {
	for _, text := range []string{"A=1\nsecret", "A=1\n=secret", "A=1\n2A=secret", "A=1\nB=\"secret", "A=1\nB='secret' more"} {
		if _, err := parseEnv(text); err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error must name the line and not show it: %v", text, err)
		}
	}
}

func TestEnvCheck(t *testing.T) {
	for _, tt := range []struct {
		env            env
		ok             bool
		meta, supabase bool
	}{
		{env{}, true, false, false},
		{env{"FB_APP_ID": "1", "FB_APP_SECRET": "s"}, true, true, false},
		{env{"NEXT_PUBLIC_SUPABASE_URL": "u", "SUPABASE_SERVICE_ROLE_KEY": "k"}, true, false, true},
		{env{"FB_APP_ID": "1"}, false, true, false},
		{env{"FB_APP_SECRET": "s"}, false, false, false},
		{env{"SUPABASE_URL": "u"}, false, false, true},
		{env{"SUPABASE_SECRET_KEY": "k"}, false, false, false},
	} {
		if err := tt.env.check(); (err == nil) != tt.ok || tt.env.realMeta() != tt.meta || tt.env.realSupabase() != tt.supabase {
			t.Errorf("%v: %v, Meta %v, Supabase %v", tt.env, err, tt.env.realMeta(), tt.env.realSupabase())
		}
	}
}

// TestExample shows that .env.example is a valid file that sets nothing, and names every
// variable that the functions read, but for Vercel's own.
func TestExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parseEnv(string(text)); err != nil || len(got) > 0 {
		t.Errorf("it sets %v, %v", got, err)
	}
	missing := slices.DeleteFunc(slices.Clone(config.Variables), func(name string) bool {
		return strings.HasPrefix(name, "VERCEL_") || strings.Contains(string(text), name)
	})
	if len(missing) > 0 {
		t.Errorf("it does not mention %q", missing)
	}
}
