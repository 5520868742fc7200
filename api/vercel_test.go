package api_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// function is one file of api/, as Vercel's builder reads it.
type function struct {
	name    string // "login.go"
	source  string
	file    *ast.File
	handler string // the first exported function with a ResponseWriter and a Request
}

// functionFiles parses every file of api/ that becomes a function.
func functionFiles(t *testing.T) []function {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []function
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source := readFile(t, name)
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		f := function{name: name, source: string(source), file: file}
		for _, declaration := range file.Decls {
			if d, ok := declaration.(*ast.FuncDecl); ok && f.handler == "" && d.Recv == nil && d.Name.IsExported() && isHandler(d) {
				f.handler = d.Name.Name
			}
		}
		all = append(all, f)
	}
	return all
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func isHandler(d *ast.FuncDecl) bool {
	var parameters []string
	for _, parameter := range d.Type.Params.List {
		parameters = append(parameters, types.ExprString(parameter.Type))
	}
	return slices.Equal(parameters, []string{"http.ResponseWriter", "*http.Request"})
}

// TestFunctionFiles holds what Vercel's builder does with a file of api/:
// each becomes a function, and its handler's name is replaced as text.
func TestFunctionFiles(t *testing.T) {
	t.Parallel()
	all := functionFiles(t)
	if len(all) == 0 || len(all) > 12 {
		t.Errorf("%d functions: the Hobby plan has 12", len(all))
	}
	names := map[string]string{} // package-level names to their files
	for _, f := range all {
		if f.handler == "" {
			t.Errorf("%s has no handler: the build fails", f.name)
		}
		for _, declaration := range f.file.Decls {
			for _, name := range declared(declaration) {
				if other := names[name]; other != "" {
					t.Errorf("%s stands in %s and %s, which are one package", name, other, f.name)
				}
				names[name] = f.name
				if ast.IsExported(name) && name != f.handler {
					t.Errorf("%s exports %s beside its handler", f.name, name)
				}
			}
		}
		if strings.Contains(f.source, "//go:embed") {
			t.Errorf("%s embeds files: not in api/", f.name)
		}
		if above, _, _ := strings.Cut("\n"+f.source, "\npackage "); regexp.MustCompile(`\bpackage \S`).MatchString(above) {
			t.Errorf("%s has the words \"package x\" above its package clause: they are renamed", f.name)
		}
		ast.Inspect(f.file, func(node ast.Node) bool {
			if text, ok := node.(*ast.BasicLit); ok && text.Kind == token.STRING {
				for _, other := range all {
					if regexp.MustCompile(` ` + other.handler + `\b`).MatchString(text.Value) {
						t.Errorf("%s: %s holds the name of a handler, which is replaced", f.name, text.Value)
					}
				}
			}
			return true
		})
	}
	for _, f := range all {
		for _, other := range all {
			if uses := regexp.MustCompile(`[^.\w"/]`+f.handler+`\(`).FindAllString(other.source, -1); len(uses) > 0 && (f.name != other.name || len(uses) > 1) {
				t.Errorf("%s refers to the handler %s", other.name, f.handler)
			}
		}
	}
}

// declared are the package-level names of a declaration.
func declared(declaration ast.Decl) []string {
	var names []string
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		names = append(names, d.Name.Name)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range s.Names {
					names = append(names, name.Name)
				}
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			}
		}
	}
	return names
}

// TestOneFileAlone: "vercel dev" compiles the file of a function alone.
func TestOneFileAlone(t *testing.T) {
	t.Parallel()
	skipShort(t, "compiles each function")
	for _, f := range functionFiles(t) {
		if output, err := exec.Command("go", "vet", f.name).CombinedOutput(); err != nil {
			t.Errorf("%s alone: %v\n%s", f.name, err, output)
		}
	}
}

// TestTree: what else Vercel's builder looks at.
func TestTree(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"../main.go", "../cmd/api/main.go", "../cmd/server/main.go", "../package.json", "../vendor"} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s would change how Vercel builds", path)
		}
	}
	inside, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range inside {
		if entry.IsDir() {
			if sources, _ := filepath.Glob(entry.Name() + "/*.go"); entry.Name() != "testdata" || len(sources) > 0 {
				t.Errorf("api/%s: every Go file below api/ becomes a function", entry.Name())
			}
		}
	}
	mod := readFile(t, "../go.mod")
	for _, line := range []string{"\ngo 1.26\n", "\ntoolchain go1.26.8\n"} {
		if !strings.Contains(string(mod), line) {
			t.Errorf("go.mod lacks %q", strings.TrimSpace(line))
		}
	}
	if !strings.HasSuffix(string(mod), "\n") {
		t.Error("go.mod does not end with a newline")
	}
}

// TestLimits: each function ends before the platform ends it.
func TestLimits(t *testing.T) {
	t.Parallel()
	text := readFile(t, "../vercel.json")
	var rules struct {
		Functions map[string]struct{ MaxDuration int }
	}
	if err := json.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	limit := regexp.MustCompile(`Limit: (\d+) \* time\.(Second|Millisecond)`)
	for _, f := range functionFiles(t) {
		found := limit.FindStringSubmatch(f.source)
		if found == nil {
			t.Errorf("%s has no limit", f.name)
			continue
		}
		seconds := json.Number(found[1])
		n, _ := seconds.Int64()
		if found[2] == "Millisecond" {
			n = n/1000 + 1
		}
		covered := false
		for pattern, settings := range rules.Functions {
			if fits, _ := filepath.Match(pattern, "api/"+f.name); !fits {
				continue
			}
			if covered = true; int(n) >= settings.MaxDuration {
				t.Errorf("%s takes %d s, its maxDuration is %d", f.name, n, settings.MaxDuration)
			}
		}
		if !covered {
			t.Errorf("vercel.json gives %s no maxDuration", f.name)
		}
	}
}
