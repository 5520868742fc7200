package app

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"igconnect/internal/leaks/leakstest"
	"igconnect/lib/config"
)

// TestVersion: it can be a git tag, and the changelog begins with it.
func TestVersion(t *testing.T) {
	if !regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$`).MatchString(Version) {
		t.Errorf("%q is not a version", Version)
	}
	changelog, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	_, newest, _ := strings.Cut(string(changelog), "\n## ")
	newest, _, _ = strings.Cut(newest, "\n")
	if !regexp.MustCompile(`^` + regexp.QuoteMeta(Version) + ` \(\d{4}-\d{2}-\d{2}\)$`).MatchString(newest) {
		t.Errorf("the changelog begins with %q, this is %s", newest, Version)
	}
}

// TestStartIsLogged: once for an environment, with the version.
func TestStartIsLogged(t *testing.T) {
	watch := leakstest.New(t)
	for _, variable := range config.Variables {
		t.Setenv(variable, "")
	}
	t.Setenv("FB_APP_ID", "of this test alone")
	for range 3 {
		if _, err := fromEnvironment(); err != nil {
			t.Fatal(err)
		}
	}
	var record map[string]any
	if err := json.Unmarshal([]byte(watch.Log()), &record); err != nil {
		t.Fatalf("not one log record: %q", watch.Log())
	}
	if record["msg"] != "start" || record["version"] != Version || record["level"] != "INFO" {
		t.Errorf("%v", record)
	}
}
