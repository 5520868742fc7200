package docstest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestContributingExamples shows that the examples of CONTRIBUTING.md compile: a new function and
// its line in the list, and a new column's field. Nothing is written into the tree.
func TestContributingExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the functions")
	}
	if !exists("lib/web") || !exists("internal/functions") {
		t.Skip("lib/web and internal/functions, for which the examples are written, are not there yet")
	}
	after := map[string]string{ // where the lines of an example belong
		"internal/functions/functions.go": "var All = map[string]http.HandlerFunc{\n",
		"lib/store/connections.go":        "type Connection struct {\n",
	}
	overlay := map[string]string{}
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
		file := filepath.Join(t.TempDir(), filepath.Base(name))
		if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		target, err := filepath.Abs(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		overlay[target] = file
	}
	if len(overlay) != 3 {
		t.Errorf("%d files are shown, want three", len(overlay))
	}
	list, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", file, "./internal/functions")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
