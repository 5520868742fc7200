package docstest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

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
			for _, command := range firsts(`\b(go (?:run|test|build|vet) [^#]*)`, line) {
				checkCommand(t, document, command)
				checked++
			}
		}
	}
	wantMany(t, checked, 30, "commands")
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
	checked := 0
	for _, document := range documents(t) {
		text := strings.Join(strings.Fields(read(t, document)), " ")
		for _, place := range groups("((?:`[A-Za-z]+`(?:, | and )?)+) in \\[([^\\]]+\\.go)\\]", text) {
			code := read(t, place[2])
			for _, name := range spans(place[1]) {
				checked++
				if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + name + `\(`).MatchString(code) {
					t.Errorf("%s: there is no function %s in %s", document, name, place[2])
				}
			}
		}
	}
	wantMany(t, checked, 15, "named functions")
}

// TestReviewKit shows that docs/meta-app-review.md has a section for each permission that is asked
// for by default, and for those that the doctor calls optional.
func TestReviewKit(t *testing.T) {
	told := firsts(`(?m)^### ([a-z_]+)$`, read(t, "docs/meta-app-review.md"))
	list := firsts(`(?m)^var optional = \[\]string\{(.*)\}$`, read(t, "cmd/doctor/login.go"))
	if len(list) != 1 {
		t.Fatal("cmd/doctor/login.go has no list of optional permissions")
	}
	optional := firsts(`"(\w+)"`, list[0])
	defaults, _ := config.Load(func(string) string { return "" })
	compare(t, "permissions", slices.Concat(defaults.Scopes, optional), told)
}

// TestContributingExamples shows that the examples of CONTRIBUTING.md compile: a new function and
// its line in the list, and a new column's field. Nothing is written into the tree.
func TestContributingExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the functions")
	}
	after := map[string]string{ // where the lines of an example belong
		"internal/functions/functions.go": "var All = map[string]http.HandlerFunc{\n",
		"lib/store/connections.go":        "type Connection struct {\n",
	}
	overlay := map[string]string{}
	write := func(name string, content []byte) (file string) {
		file = filepath.Join(t.TempDir(), filepath.Base(name))
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, block := range fences.FindAllStringSubmatch(read(t, "CONTRIBUTING.md"), -1) {
		first, code, _ := strings.Cut(block[2], "\n")
		name, isFile := strings.CutPrefix(first, "// ")
		if block[1] != "go" || !isFile {
			continue
		}
		if mark := after[name]; mark != "" {
			above, below, found := strings.Cut(read(t, name), mark)
			if !found {
				t.Fatalf("%s has no %q", name, mark)
			}
			code = above + mark + code + below
		} else if exists(name) {
			t.Fatalf("%s exists already", name)
		}
		target, err := filepath.Abs(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		overlay[target] = write(name, []byte(code))
	}
	if len(overlay) != 3 {
		t.Errorf("%d files are shown, want three", len(overlay))
	}
	list, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", write("overlay.json", list), "./internal/functions")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
