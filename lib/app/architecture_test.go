package app

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"igconnect/lib/config"
)

const root = "../.."

// TestArchitecture holds docs/architecture.md against the tree: every test,
// function, file, route, variable and SQL function that it names exists, its
// house is the one that the imports make, and no attack of RFC 9700 is left
// out. That its links lead somewhere is tested with those of all documents.
func TestArchitecture(t *testing.T) {
	document := readFile(t, "docs/architecture.md")
	house, _, _ := strings.Cut(document[strings.Index(document, "flowchart"):], "```")
	text := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(document, "")

	t.Run("names", func(t *testing.T) { checkNames(t, text) })
	t.Run("house", func(t *testing.T) { checkHouse(t, house) })
	t.Run("RFC 9700", func(t *testing.T) {
		for n := 1; n <= 17; n++ {
			if !regexp.MustCompile(fmt.Sprintf(`(?m)^\| 4\.%d(\.\d)? \|`, n)).MatchString(text) {
				t.Errorf("section 4.%d is missing", n)
			}
		}
	})
}

// The kinds of name that stand between backticks.
var (
	goName  = regexp.MustCompile(`^([a-z]+)\.([A-Z]\w*(?:\.\w+)?)(?:/(\w+))?$`) // api.TestX, supalite.TestX/Part, graph.Client.Debug
	sqlName = regexp.MustCompile(`^([a-z_]+)\(\)$`)
	path    = regexp.MustCompile(`^(?:api|lib|internal|cmd|supabase|public|docs|examples|bench)(?:/[\w./-]*)?$`)
	route   = regexp.MustCompile(`^/api/([a-z]+)$`)
	setting = regexp.MustCompile(`^[A-Z]+(?:_[A-Z]+)+$`)
	noPlace = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)[A-Z]\w+$`)
)

func checkNames(t *testing.T, text string) {
	folders := readFolders(t)
	var migrations strings.Builder
	for _, name := range glob(t, "supabase/migrations/*.sql") {
		migrations.WriteString(readFile(t, name))
	}
	checked := 0
	for _, span := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1) {
		name, there := span[1], true
		if m := goName.FindStringSubmatch(name); m != nil {
			in := folders[m[1]]
			there = m[2] == "TestX" || in.names[m[2]] && (m[3] == "" || in.texts[m[3]])
		} else if m := sqlName.FindStringSubmatch(name); m != nil {
			there = strings.Contains(migrations.String(), "create function public."+m[1]+"(")
		} else if path.MatchString(name) {
			_, err := os.Stat(filepath.Join(root, name))
			there = err == nil
		} else if m := route.FindStringSubmatch(name); m != nil {
			_, err := os.Stat(filepath.Join(root, "api", m[1]+".go"))
			there = err == nil
		} else if setting.MatchString(name) {
			there = slices.Contains(config.Variables, name)
		} else if noPlace.MatchString(name) && name != "TestX" {
			t.Errorf("%s needs its folder in front", name)
		} else {
			continue
		}
		if checked++; !there {
			t.Errorf("there is no %s", name)
		}
	}
	if checked < 150 {
		t.Errorf("only %d names were found", checked)
	}
}

// folder is what a folder's Go files declare, and the texts in its tests,
// which name the parts of a test.
type folder struct{ names, texts map[string]bool }

// readFolders reads the Go files of each package that the document may name,
// by the folder's own name.
func readFolders(t *testing.T) map[string]folder {
	t.Helper()
	folders := map[string]folder{}
	for _, pattern := range []string{"api", "bench", "lib/*", "internal/*", "internal/*/*", "cmd/*"} {
		for _, name := range glob(t, pattern+"/*.go") {
			in, known := folders[filepath.Base(filepath.Dir(name))]
			if !known {
				in = folder{names: map[string]bool{}, texts: map[string]bool{}}
				folders[filepath.Base(filepath.Dir(name))] = in
			}
			ast.Inspect(parse(t, name), func(node ast.Node) bool {
				switch n := node.(type) {
				case *ast.FuncDecl:
					in.names[receiver(n)+n.Name.Name] = true
				case *ast.TypeSpec:
					in.names[n.Name.Name] = true
				case *ast.BasicLit:
					if value, err := strconv.Unquote(n.Value); err == nil && strings.HasSuffix(name, "_test.go") {
						in.texts[value] = true
					}
				}
				return true
			})
		}
	}
	return folders
}

// receiver is "Type." of a method, "" of a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	return of.(*ast.Ident).Name + "."
}

// checkHouse compares the full arrows between the packages that are deployed
// with what they import: an arrow is an import, and an import is an arrow or
// follows from some.
func checkHouse(t *testing.T, house string) {
	packages := map[string]string{} // nodes to folders
	for _, node := range regexp.MustCompile(`(\w+)\["((?:api|lib|internal)[/\w]*)`).FindAllStringSubmatch(house, -1) {
		packages[node[1]] = node[2]
		if _, err := os.Stat(filepath.Join(root, node[2])); err != nil {
			t.Errorf("the house shows %s: %v", node[2], err)
		}
	}
	arrows := map[string][]string{}
	for _, arrow := range regexp.MustCompile(`(?m)^\s*(\w+) --> (\w+)$`).FindAllStringSubmatch(house, -1) {
		from, to := packages[arrow[1]], packages[arrow[2]]
		arrows[from] = append(arrows[from], to)
		if !slices.Contains(imports(t, from), to) {
			t.Errorf("the house shows %s -> %s, which is no import", from, to)
		}
	}
	for _, from := range append(glob(t, "lib/*"), "api") {
		if !slices.Contains(slices.Collect(maps.Values(packages)), from) {
			t.Errorf("the house lacks %s", from)
		}
		for _, to := range slices.Compact(slices.Sorted(slices.Values(imports(t, from)))) {
			if !leads(arrows, from, to) {
				t.Errorf("the house lacks %s -> %s", from, to)
			}
		}
	}
}

func leads(arrows map[string][]string, from, to string) bool {
	return slices.ContainsFunc(arrows[from], func(next string) bool { return next == to || leads(arrows, next, to) })
}

// imports are the packages of ours that a folder's files, but for its tests, import.
func imports(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, name := range glob(t, dir+"/*.go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, spec := range parse(t, name).Imports {
			if of, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "igconnect/"); ours {
				all = append(all, of)
			}
		}
	}
	return all
}

func parse(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// glob names the files that match, from the root of the repository.
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

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
