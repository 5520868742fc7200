package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const plain = "EAAB-plain-token"

type holder struct {
	Public  String
	private String
	pointer *String
	list    []String
	byName  map[string]String
}

func TestNeverPrinted(t *testing.T) {
	t.Parallel()
	s := New(plain)
	h := holder{Public: s, private: s, pointer: &s, list: []String{s}, byName: map[string]String{"a": s}}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "h", h)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "h", h, "p", &h)
	encoded, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	outputs := []string{log.String(), string(encoded), fmt.Sprint(s, h, &h), fmt.Errorf("with %w", fmt.Errorf("%v", s)).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		outputs = append(outputs, fmt.Sprintf(verb, s), fmt.Sprintf(verb, h), fmt.Sprintf(verb, &h))
	}
	for _, out := range outputs {
		if strings.Contains(out, plain) || strings.Contains(strings.ToLower(out), fmt.Sprintf("%x", plain)) {
			t.Errorf("the secret was printed: %s", out)
		}
	}
	if s.Reveal() != plain {
		t.Errorf("Reveal = %q", s.Reveal())
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		secret String
		sent   string
		want   bool
	}{
		{"same", New("abc"), "abc", true},
		{"other", New("abc"), "abd", false},
		{"longer", New("abc"), "abcd", false},
		{"empty against empty", New(""), "", false},
		{"zero against empty", String{}, "", false},
		{"zero against something", String{}, "abc", false},
	} {
		if got := c.secret.Equal(c.sent); got != c.want {
			t.Errorf("%s: Equal = %v", c.name, got)
		}
	}
}

func TestUnmarshalJSON(t *testing.T) {
	t.Parallel()
	var answer struct{ Token, None String }
	if err := json.Unmarshal([]byte(`{"token":"abc","none":null}`), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Token.Reveal() != "abc" || !answer.None.Empty() {
		t.Errorf("decoded %q and %q", answer.Token.Reveal(), answer.None.Reveal())
	}
	err := json.Unmarshal([]byte(`{"token":{"hidden":"`+plain+`"}}`), &answer)
	if err == nil || strings.Contains(err.Error(), plain) {
		t.Errorf("err = %v", err)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"a known secret", "Malformed access token a|b.", "Malformed access token [secret]."},
		{"the same, encoded", "at /x?token=a%7Cb", "at /x?token=[secret]"},
		{"an unknown token", "token " + strings.Repeat("Ab1_", 8) + "!", "token […]!"},
		{"a constraint's name", `violates "user_configs_user_id_fkey"`, `violates "user_configs_user_id_fkey"`},
		{"a long text", strings.Repeat("word ", 100), strings.Repeat("word ", 60) + "…"},
		{"bad UTF-8", "a\xffb", "a\uFFFDb"},
	} {
		if got := Mask(c.text, New("a|b"), String{}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
