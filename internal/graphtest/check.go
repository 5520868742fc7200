package graphtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"igconnect/lib/graph"
)

// FailureOf wants an *graph.Error of that class and returns it.
func FailureOf(t *testing.T, err error, class graph.Class) *graph.Error {
	t.Helper()
	var failure *graph.Error
	if !errors.As(err, &failure) {
		t.Fatalf("error %v (%T), want a *graph.Error", err, err)
	}
	if failure.Class != class {
		t.Errorf("class %d, want %d: %v", failure.Class, class, err)
	}
	return failure
}

// WantClean prints an error, and all that it wraps, in every way, and wants
// none of the secrets in it.
func WantClean(t *testing.T, err error, secrets ...string) {
	t.Helper()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Error("x", "err", err)
	printed := log.String()
	var failure *graph.Error
	if errors.As(err, &failure) {
		printed += fmt.Sprintf("%#v\n", *failure)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		printed += fmt.Sprintf("%v\n%+v\n%#v\n", err, err, err)
	}
	for _, s := range secrets {
		for _, form := range []string{s, url.QueryEscape(s), strings.ToLower(url.QueryEscape(s))} {
			if strings.Contains(printed, form) {
				t.Fatalf("%s is shown:\n%s", form, printed)
			}
		}
	}
}

// CheckText wants texts that a column of type text can take.
// https://www.postgresql.org/docs/current/datatype-character.html
func CheckText(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			t.Errorf("not storable: %q", text)
		}
	}
}

// CheckTime wants a time that JSON, and so the table, can take.
func CheckTime(t *testing.T, at time.Time) {
	t.Helper()
	if _, err := json.Marshal(at); err != nil {
		t.Error(err)
	}
}
