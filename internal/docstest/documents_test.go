package docstest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// read returns the text of a file, by its path from the root of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exists reports whether there is such a file or folder.
func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, name))
	return err == nil
}

// glob returns the files that match, by their paths from the root.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range found {
		found[i] = filepath.ToSlash(strings.TrimPrefix(name, filepath.Clean(root)+string(filepath.Separator)))
	}
	return found
}

// sources returns the Go files below a folder that aren't tests.
func sources(t *testing.T, folder string) []string {
	t.Helper()
	return files(t, folder, func(name string) bool {
		return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
	})
}

// documents returns all Markdown files of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	return files(t, ".", func(name string) bool { return strings.HasSuffix(name, ".md") })
}

func files(t *testing.T, folder string, wanted func(name string) bool) (found []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case !entry.IsDir() && wanted(name):
			found = append(found, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func parse(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// wantMany checks that a test found as many things of a kind as it must, and not by mistake none.
func wantMany(t *testing.T, found, least int, kind string) {
	t.Helper()
	if found < least {
		t.Errorf("only %d %s were found", found, kind)
	}
}

// compare checks that the documents tell what the code wants, in any order.
func compare[T any](t *testing.T, kind string, want, told T) {
	t.Helper()
	if diff := cmp.Diff(want, told, sorted); diff != "" {
		t.Errorf("the %s (-wanted +told):\n%s", kind, diff)
	}
}

var sorted = cmp.Transformer("sorted", func(all []string) []string { return slices.Sorted(slices.Values(all)) })

// section returns what stands between the heading of this text and the next one of its level.
func section(t *testing.T, document, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, document), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", document, heading)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	return rest
}

// groups returns what the groups of an expression match in a text, each time that it matches.
func groups(expression, text string) [][]string {
	return regexp.MustCompile(expression).FindAllStringSubmatch(text, -1)
}

// firsts returns the first of the [groups], each time.
func firsts(expression, text string) (all []string) {
	for _, m := range groups(expression, text) {
		all = append(all, m[1])
	}
	return all
}

var fences = regexp.MustCompile("(?ms)^ *```(\\w*)\n(.*?)^ *```$")

// prose is a document without its fenced blocks.
func prose(text string) string { return fences.ReplaceAllString(text, "") }

// spans returns what stands between backticks, outside of fenced blocks.
func spans(text string) (all []string) {
	for _, span := range firsts("`([^`\n]+)`", prose(text)) {
		all = append(all, strings.ReplaceAll(span, `\|`, "|")) // as a table escapes it
	}
	return all
}
