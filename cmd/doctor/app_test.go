package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/deploytest"
)

// The doctor names the setting that lets people come back to the app, and is content once it is set.
func TestApp(t *testing.T) {
	const app = "https://app.example.com"
	at := deploytest.New(t, deploytest.Options{})
	d, err := newDoctor(at.URL, "", func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if unnamed := d.app(t.Context()); unnamed != nil {
		t.Errorf("nobody asked for %v", unnamed)
	}
	d.origin = app

	refused := []string{
		"wrong people come back to it: A return_to at " + app + " is refused.",
		"wrong its pages may ask: Requests of pages at " + app + " are refused.",
	}
	checks := d.app(t.Context())
	if diff := cmp.Diff(refused, notPassed(checks)); diff != "" || !strings.Contains(checks[0].Fix+checks[1].Fix, "ALLOWED_ORIGINS") {
		t.Errorf("%v %s", checks, diff)
	}
	for _, settings := range []map[string]string{{"ALLOWED_ORIGINS": app}, {"SIGN_IN_URL": app + "/sign-in"}} {
		for name, value := range settings {
			at.Set(name, value)
		}
		if diff := cmp.Diff([]string{}, notPassed(d.app(t.Context()))); diff != "" {
			t.Error(diff)
		}
	}
	at.Set("FB_APP_ID", "")
	if broken := notPassed(d.app(t.Context())); len(broken) != 1 {
		t.Errorf("a broken deployment passes: %v", broken)
	}
}

func TestAppFlag(t *testing.T) {
	at := newDeployment(t, (*httptest.Server).Start)
	if status, out, errors := called(t, nil, "-url", at.URL, "-app", "app.example.com"); status != 2 || !strings.Contains(errors, "doctor: -app must be a complete address") {
		t.Errorf("%d %s%s", status, out, errors)
	}
	if status, out, _ := called(t, nil, "-url", at.URL, "-app", "https://app.example.com"); status != 1 || !strings.Contains(out, "\nYour app, at -app\n") {
		t.Errorf("%d %s", status, out)
	}
}
