package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadmeSettings holds the README's table of settings against the
// variables that Load asks for, and its defaults against what Load does
// without them.
func TestReadmeSettings(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Settings\n")
	section, _, _ = strings.Cut(section, "\n## ")

	var told []string
	defaults := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| *(?:`([^`]+)`|[^|]*?) *\\|").FindAllStringSubmatch(section, -1) {
		told = append(told, row[1])
		defaults[row[1]] = row[2]
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(Variables)), slices.Sorted(slices.Values(told))); diff != "" {
		t.Errorf("the README's variables (-wanted +there):\n%s", diff)
	}

	c, _ := Load(func(string) string { return "" })
	for variable, want := range map[string]string{
		"FB_LOGIN_SCOPES":   strings.Join(c.Scopes, ","),
		"WEBHOOK_FIELDS":    strings.Join(c.WebhookFields, ","),
		"GRAPH_API_VERSION": strings.TrimPrefix(c.GraphURL, MetaGraphURL+"/"),
		"FB_GRAPH_URL":      MetaGraphURL,
		"FB_DIALOG_URL":     MetaDialogURL,
	} {
		if defaults[variable] != want {
			t.Errorf("the README's default of %s is %q, want %q", variable, defaults[variable], want)
		}
	}
}
