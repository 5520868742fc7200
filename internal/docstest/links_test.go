package docstest

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLinks shows that every relative link leads to a file, every anchor to a heading, and that no
// document of docs/ is missing from the README's list.
func TestLinks(t *testing.T) {
	checked := 0
	for _, name := range documents(t) {
		for _, m := range groups(`\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"`, prose(read(t, name))) {
			target := m[1] + m[2]
			if strings.Contains(target, "://") {
				continue
			}
			checked++
			file, anchor, _ := strings.Cut(target, "#")
			to := name
			if file != "" {
				to = path.Join(path.Dir(name), file)
			}
			if !exists(to) {
				t.Errorf("%s links to %s, which is not there", name, target)
			} else if anchor != "" && !slices.Contains(anchors(read(t, to)), anchor) {
				t.Errorf("%s links to %s, which has no such heading", name, target)
			}
		}
	}
	wantMany(t, checked, 150, "links")
	readme := read(t, "README.md")
	for _, name := range glob(t, "docs/*.md") {
		if !strings.Contains(readme, "]("+name+")") {
			t.Errorf("the README does not list %s", name)
		}
	}
}

// anchors are the names by which GitHub links to a document's headings.
func anchors(text string) (all []string) {
	for _, heading := range firsts(`(?m)^#+ (.+)$`, prose(text)) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

// TestReadmeIsShort shows that the README is read in some minutes; the rest belongs into docs/.
func TestReadmeIsShort(t *testing.T) {
	if n := strings.Count(read(t, "README.md"), "\n"); n > 200 {
		t.Errorf("the README has %d lines, 200 are allowed", n)
	}
}

// TestVersion shows that the version can be a git tag, and that the changelog begins with it, or
// with what is not released yet and then with it.
func TestVersion(t *testing.T) {
	version := firsts(`(?m)^const Version = "((?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*))"$`, read(t, "lib/app/version.go"))
	if len(version) != 1 {
		t.Fatal("lib/app/version.go has no Version of three numbers")
	}
	headings := firsts(`(?m)^## (.*)$`, read(t, "CHANGELOG.md"))
	if len(headings) > 1 && headings[0] == "Unreleased" {
		headings = headings[1:]
	}
	released := regexp.MustCompile(`^` + regexp.QuoteMeta(version[0]) + ` \(\d{4}-\d{2}-\d{2}\)$`)
	if len(headings) == 0 || !released.MatchString(headings[0]) {
		t.Errorf("the changelog begins with %v, this is %s", headings, version)
	}
}

// TestWorkflow shows that GitHub checks what .ci/run checks, and nothing else.
func TestWorkflow(t *testing.T) {
	steps := firsts(`(?m)^ +(?:- )?run: (.*)$`, read(t, ".github/workflows/ci.yml"))
	if !slices.Equal(steps, []string{".ci/run"}) {
		t.Errorf("the workflow runs %q", steps)
	}
}
