package docstest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/config"
)

// TestCommands shows that the packages, tests and benchmarks exist that the documents' go commands
// name.
func TestCommands(t *testing.T) {
	checked := 0
	for _, document := range documents(t) {
		text := read(t, document)
		lines := spans(text)
		for _, block := range fences.FindAllStringSubmatch(text, -1) {
			lines = append(lines, strings.Split(block[2], "\n")...)
		}
		for _, line := range lines {
			if m := regexp.MustCompile(`\bgo (?:run|test|build|vet) [^#]*`).FindString(line); m != "" {
				checkCommand(t, document, m)
				checked++
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d commands were found", checked)
	}
}

func checkCommand(t *testing.T, document, command string) {
	t.Helper()
	words := strings.Fields(command)
	var declared strings.Builder // in the packages that the command names
	for _, word := range words {
		if !strings.HasPrefix(word, "./") || word == "./..." {
			continue
		}
		folder := strings.TrimSuffix(strings.TrimPrefix(word, "./"), "/...")
		if !exists(folder) {
			t.Errorf("%s: %s: there is no %s", document, command, folder)
		}
		for _, name := range glob(t, folder+"/*_test.go") {
			declared.WriteString(read(t, name))
		}
	}
	for i, word := range words[:len(words)-1] {
		kind, tests := map[string]string{"-run": "Test", "-bench": "Benchmark"}[word]
		pattern := strings.Trim(words[i+1], "'")
		if !tests || pattern == "xxx" {
			continue
		}
		for _, part := range strings.Split(pattern, "|") {
			if !regexp.MustCompile(`(?m)^func ` + kind + `\w*` + strings.TrimPrefix(part, kind)).MatchString(declared.String()) {
				t.Errorf("%s: %s: nothing has the name %s", document, command, part)
			}
		}
	}
}

// TestPlaces shows that the functions stand in the files in which the documents say they do, as in
// "`Save` in [lib/store/connections.go](…)".
func TestPlaces(t *testing.T) {
	named := regexp.MustCompile("((?:`[A-Za-z]+`(?:, | and )?)+)\\s+in\\s+\\[([^\\]]+\\.go)\\]")
	checked := 0
	for _, document := range documents(t) {
		for _, place := range named.FindAllStringSubmatch(strings.Join(strings.Fields(read(t, document)), " "), -1) {
			code := read(t, place[2])
			for _, name := range spans(place[1]) {
				checked++
				if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + name + `\(`).MatchString(code) {
					t.Errorf("%s: there is no function %s in %s", document, name, place[2])
				}
			}
		}
	}
	if checked < 15 {
		t.Errorf("only %d functions are named", checked)
	}
}

// TestReviewKit shows that docs/meta-app-review.md has a section for each permission that is asked
// for by default, and for those that the doctor calls optional.
func TestReviewKit(t *testing.T) {
	var told []string
	for _, heading := range regexp.MustCompile(`(?m)^### ([a-z_]+)$`).FindAllStringSubmatch(read(t, "docs/meta-app-review.md"), -1) {
		told = append(told, heading[1])
	}
	var optional []string
	list := regexp.MustCompile(`(?m)^var optional = \[\]string\{(.*)\}$`).FindStringSubmatch(read(t, "cmd/doctor/login.go"))
	if list == nil {
		t.Fatal("cmd/doctor/login.go has no list of optional permissions")
	}
	for _, m := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(list[1], -1) {
		optional = append(optional, m[1])
	}
	defaults, _ := config.Load(func(string) string { return "" })
	if diff := cmp.Diff(slices.Concat(defaults.Scopes, optional), told, sorted); diff != "" {
		t.Errorf("the permissions (-wanted +told):\n%s", diff)
	}
}
