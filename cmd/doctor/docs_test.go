package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/config"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReviewKit holds docs/meta-app-review.md against the code: a section for
// each permission, and functions that are where it says.
func TestReviewKit(t *testing.T) {
	text := read(t, "../../docs/meta-app-review.md")
	var told []string
	for _, heading := range regexp.MustCompile(`(?m)^### ([a-z_]+)$`).FindAllStringSubmatch(text, -1) {
		told = append(told, heading[1])
	}
	if diff := cmp.Diff(slices.Concat(config.SeedScopes, optional), told, sorted); diff != "" {
		t.Errorf("the permissions (-wanted +told):\n%s", diff)
	}

	named := regexp.MustCompile("((?:`[A-Za-z]+`(?:, | and )?)+)\\s+in\\s+\\[([^\\]]+)\\]")
	places := named.FindAllStringSubmatch(strings.Join(strings.Fields(text), " "), -1)
	if len(places) < 10 {
		t.Errorf("only %d places are named", len(places))
	}
	for _, place := range places {
		code := read(t, "../../"+place[2])
		for _, name := range strings.FieldsFunc(strings.ReplaceAll(place[1], " and ", ", "), func(r rune) bool { return strings.ContainsRune("`, ", r) }) {
			if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + name + `\(`).MatchString(code) {
				t.Errorf("there is no function %s in %s", name, place[2])
			}
		}
	}
}

var sorted = cmp.Transformer("sorted", func(all []string) []string { return slices.Sorted(slices.Values(all)) })

// TestAnchors: a link to a section leads to one.
func TestAnchors(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(documents, "../../README.md", "../../SECURITY.md") {
		for _, link := range regexp.MustCompile(`\]\(([^)\s#]*)#([^)\s]+)\)`).FindAllStringSubmatch(read(t, name), -1) {
			target := name
			if strings.Contains(link[1], "://") {
				continue
			}
			if link[1] != "" {
				target = filepath.Join(filepath.Dir(name), link[1])
			}
			if !slices.Contains(anchors(read(t, target)), link[2]) {
				t.Errorf("%s links to %s#%s, which is not there", filepath.Base(name), link[1], link[2])
			}
		}
	}
}

// anchors are the names by which GitHub links to a document's headings.
func anchors(text string) []string {
	var all []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

// TestReadme: the README's example is what the doctor prints.
func TestReadme(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "../../README.md"), "\n## Is it well?\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, c := range []check{
		good("FB_APP_ID"), bad("webhook", "Meta sends events to another address.", ""), good("http leads to https"), good("headers of /"),
		good("webhook refuses a wrong token"), good("login refuses strangers"), good("state cookie"), good("instagram_basic"),
		note("pages_messaging", "It is not asked for. An account can be connected, but new messages may not reach us."),
		good("anon: get_instagram_token"), good("authenticated: user_configs.token"),
	} {
		var out strings.Builder
		if err := newReport("", in("Group", []check{c})).text(&out, false); err != nil {
			t.Fatal(err)
		}
		if line := strings.Split(out.String(), "\n")[3]; !strings.Contains(section, "\n"+line+"\n") {
			t.Errorf("not in the README: %q", line)
		}
	}
}
