package docstest

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"igconnect/lib/config"
)

// TestArchitecture holds docs/architecture.md against the tree: its diagram of packages is the one
// that the imports make, and no attack of RFC 9700 is left out.
func TestArchitecture(t *testing.T) {
	document := read(t, "docs/architecture.md")
	diagram, _, _ := strings.Cut(document[strings.Index(document, "flowchart"):], "```")
	t.Run("packages", func(t *testing.T) { checkPackages(t, diagram) })
	t.Run("RFC 9700", func(t *testing.T) {
		for n := 1; n <= 17; n++ {
			if !regexp.MustCompile(fmt.Sprintf(`(?m)^\| 4\.%d(\.\d)? \|`, n)).MatchString(prose(document)) {
				t.Errorf("section 4.%d is missing", n)
			}
		}
	})
}

// The kinds of name that stand between backticks.
var (
	goName  = regexp.MustCompile(`^([a-z]+)\.([A-Z]\w*(?:\.\w+)?)(?:/(\w+))?$`) // api.TestX, supalite.TestX/Part, graph.Client.Debug
	sqlName = regexp.MustCompile(`^(\w+_\w+)\([\w, ]*\)$`)
	ourPath = regexp.MustCompile(`^(?:api|lib|internal|cmd|supabase|public|docs|examples|bench)(?:/[\w./-]*)?$`)
	route   = regexp.MustCompile(`^/api/([a-z]+)(?:\?.*)?$`)
	setting = regexp.MustCompile(`^[A-Z]+(?:_[A-Z]+)+$`)
	noPlace = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)[A-Z]\w+$`)
)

// TestNames shows that every test, function, file, route, variable and SQL function that a document
// names exists.
func TestNames(t *testing.T) {
	folders := readFolders(t)
	var migrations, programs strings.Builder
	for _, name := range glob(t, "supabase/migrations/*.sql") {
		migrations.WriteString(read(t, name))
	}
	for _, name := range files(t, ".", regexp.MustCompile(`^(cmd|internal|examples)/.*\.(go|ts)$`).MatchString) {
		programs.WriteString(read(t, name))
	}
	inSQL := func(name string) bool {
		return regexp.MustCompile(`create (or replace )?(function|table|view) (public|igconnect)\.` + name + `\b`).MatchString(migrations.String())
	}
	checked := 0
	for _, document := range documents(t) {
		text := read(t, document)
		for _, name := range spans(text) {
			there := true
			if m := goName.FindStringSubmatch(name); m != nil {
				in := folders[m[1]]
				there = m[2] == "TestX" || in.names[m[2]] && (m[3] == "" || in.texts[m[3]])
			} else if m := sqlName.FindStringSubmatch(name); m != nil {
				there = inSQL(m[1])
			} else if ourPath.MatchString(name) {
				there = exists(name)
			} else if m := route.FindStringSubmatch(name); m != nil {
				there = exists("api/" + m[1] + ".go")
			} else if setting.MatchString(name) {
				there = slices.Contains(config.Variables, name) || regexp.MustCompile(`\b`+name+`\b`).MatchString(programs.String()) ||
					strings.Contains(text, `"`+name+`"`) // in a program that the document shows
			} else if noPlace.MatchString(name) && name != "TestX" {
				t.Errorf("%s: %s needs its folder in front", document, name)
			} else {
				continue
			}
			if checked++; !there {
				t.Errorf("%s: there is no %s", document, name)
			}
		}
		for _, name := range firsts(`\bpublic\.([a-z]\w*)`, text) {
			if !inSQL(name) {
				t.Errorf("%s: there is no public.%s", document, name)
			}
		}
	}
	wantMany(t, checked, 300, "names")
}

// folder is what a folder's Go files declare, and the texts in its tests, which name the parts of a
// test.
type folder struct{ names, texts map[string]bool }

// readFolders reads the Go files of each package that the document may name, by the folder's own
// name.
func readFolders(t *testing.T) map[string]folder {
	t.Helper()
	folders := map[string]folder{}
	for _, pattern := range []string{"api", "bench", "lib/*", "lib/*/*", "internal/*", "internal/*/*", "cmd/*", "public", "supabase", "supabase/*"} {
		for _, name := range glob(t, pattern+"/*.go") {
			base := path.Base(path.Dir(name))
			if folders[base].names == nil {
				folders[base] = folder{names: map[string]bool{}, texts: map[string]bool{}}
			}
			in := folders[base]
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
	of, _, _ := strings.Cut(types.ExprString(f.Recv.List[0].Type), "[")
	return strings.TrimPrefix(of, "*") + "."
}

// checkPackages compares the full arrows between the packages that are deployed with what they
// import: an arrow is an import, and an import is an arrow or follows from some.
func checkPackages(t *testing.T, diagram string) {
	packages := map[string]string{} // nodes to folders
	for _, node := range groups(`(\w+)\["((?:api|lib|internal)[/\w]*)`, diagram) {
		packages[node[1]] = node[2]
		if !exists(node[2]) {
			t.Errorf("the diagram shows %s, which is not there", node[2])
		}
	}
	arrows := map[string][]string{}
	for _, arrow := range groups(`(?m)^\s*(\w+) --> (\w+)$`, diagram) {
		from, to := packages[arrow[1]], packages[arrow[2]]
		arrows[from] = append(arrows[from], to)
		if !slices.Contains(imports(t, from), to) {
			t.Errorf("the diagram shows %s -> %s, which is no import", from, to)
		}
	}
	for _, from := range deployed(t) {
		if !slices.Contains(slices.Collect(maps.Values(packages)), from) {
			t.Errorf("the diagram lacks %s", from)
		}
		for _, to := range slices.Compact(slices.Sorted(slices.Values(imports(t, from)))) {
			if !leads(arrows, from, to) {
				t.Errorf("the diagram lacks %s -> %s", from, to)
			}
		}
	}
}

// deployed returns the folders with packages that are deployed.
func deployed(t *testing.T) (folders []string) {
	t.Helper()
	for _, name := range slices.Concat(sources(t, "lib"), sources(t, "api")) {
		folders = append(folders, path.Dir(name))
	}
	return slices.Compact(folders)
}

// leads reports whether there is a way along the arrows.
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
