package faultproxy

import "testing"

func TestWrongTypes(t *testing.T) {
	for body, want := range map[string]string{
		`"text"`: `7`, `12`: `"n12"`, `true`: `"b"`, `null`: `7`, `[]`: `{}`, `{}`: `[]`, `["a"]`: `{"element":7}`,
		`{"a":{"b":[1.50]}}`: `{"a":{"b":{"element":"n1.50"}}}`, `<html>`: `<html>`, ``: ``,
	} {
		if got := string(wrongTypes([]byte(body))); got != want {
			t.Errorf("%s became %s, want %s", body, got, want)
		}
	}
}
