package app_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "igconnect/"

// leaves are the packages that anything below may import.
var leaves = []string{"lib/colour", "lib/note", "lib/secret", "lib/upstream"}

// allowed says which packages of ours each deployed package may import: the table
// of docs/architecture.md.
var allowed = map[string][]string{
	"api": {"lib/config", "lib/connect", "lib/page", "lib/web"},
	"lib/web": {
		"lib/app", "lib/connect", "lib/graph", "lib/identity", "lib/page", "lib/sealed", "lib/store", "lib/webhook",
	},
	"lib/app": {
		"lib/config", "lib/connect", "lib/graph", "lib/graph/facebook", "lib/health", "lib/identity", "lib/renew", "lib/sealed", "lib/store", "lib/webhook",
	},
	"lib/connect":        {"lib/graph", "lib/identity", "lib/sealed", "lib/store"},
	"lib/renew":          {"lib/graph", "lib/store"},
	"lib/health":         {"lib/config", "lib/graph", "lib/identity", "lib/store"},
	"lib/graph/facebook": {"lib/graph", "lib/metajson"},
	"lib/graph":          {"lib/metajson"},
	"lib/webhook":        {"lib/metajson"},
	"lib/store":          nil,
	"lib/identity":       nil,
	"lib/sealed":         nil,
	"lib/page":           nil,
	"lib/colour":         nil,
	"lib/config":         nil,
	"lib/metajson":       nil,
	"lib/note":           nil,
	"lib/secret":         nil,
	"lib/upstream":       nil,
}

// withoutHTTP are the packages that know no HTTP.
var withoutHTTP = []string{"lib/connect", "lib/renew", "lib/health", "lib/webhook"}

// aroundOurs are the packages of internal/ that deploy or test our own code; all
// others simulate somebody else's.
var aroundOurs = []string{"internal/functions", "internal/deploytest", "internal/graphtest"}

// TestImports: imports run as the table draws them, and never to the root's
// internal/, which Vercel's build can't import.
func TestImports(t *testing.T) {
	t.Parallel()
	output, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for decoder := json.NewDecoder(strings.NewReader(string(output))); decoder.More(); {
		var listed struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&listed); err != nil {
			t.Fatal(err)
		}
		from := strings.TrimPrefix(listed.ImportPath, module)
		may, deployed := allowed[from]
		if deployed {
			seen++
		} else if strings.HasPrefix(from, "lib/") {
			t.Errorf("%s is missing from the table", from)
		}
		for _, imported := range listed.Imports {
			to, ours := strings.CutPrefix(imported, module)
			switch {
			case deployed && ours && !slices.Contains(may, to) && !slices.Contains(leaves, to):
				t.Errorf("%s imports %s", from, to)
			case imported == "net/http" && slices.Contains(withoutHTTP, from):
				t.Errorf("%s imports net/http", from)
			case strings.HasPrefix(from, "internal/") && !slices.Contains(aroundOurs, from) && ours && !strings.HasPrefix(to, "internal/"):
				t.Errorf("the simulator %s imports %s, and could share its mistakes", from, to)
			}
		}
	}
	if seen != len(allowed) {
		t.Errorf("%d of %d packages were listed", seen, len(allowed))
	}
}

// deployedFiles are the Go files that are deployed, by their paths in the
// module.
func deployedFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	for folder := range allowed {
		names, err := filepath.Glob("../../" + folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files[strings.TrimPrefix(filepath.ToSlash(name), "../../")] = file
		}
	}
	if len(files) < 50 {
		t.Fatalf("only %d files were found", len(files))
	}
	return files
}

// uses lists where a file uses pkg.Name of one of the names.
func uses(file *ast.File, pkg string, names ...string) int {
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		if s, ok := node.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg && slices.Contains(names, s.Sel.Name) {
				n++
			}
		}
		return true
	})
	return n
}

// TestMethods: a type that needs more than twenty methods does more than one
// thing.
func TestMethods(t *testing.T) {
	t.Parallel()
	methods := map[string]int{}
	for name, file := range deployedFiles(t) {
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || f.Recv == nil {
				continue
			}
			of := f.Recv.List[0].Type
			if pointer, ok := of.(*ast.StarExpr); ok {
				of = pointer.X
			}
			if generic, ok := of.(*ast.IndexExpr); ok {
				of = generic.X
			}
			methods[filepath.Dir(name)+"."+of.(*ast.Ident).Name]++
		}
	}
	for name, n := range methods {
		if n > 20 {
			t.Errorf("%s has %d methods", name, n)
		}
	}
}

// TestOneWriter: only lib/web writes responses; the functions hand their
// ResponseWriter on.
func TestOneWriter(t *testing.T) {
	t.Parallel()
	for name, file := range deployedFiles(t) {
		most := map[string]int{"api": 1, "lib/web": 100}[filepath.Dir(name)]
		if n := uses(file, "http", "ResponseWriter"); n > most {
			t.Errorf("%s names http.ResponseWriter %d times", name, n)
		}
	}
}

// TestEnvironment: the environment is read in one place.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	for name, file := range deployedFiles(t) {
		if n := uses(file, "os", "Getenv", "LookupEnv", "Environ", "ExpandEnv"); n > 0 && name != "lib/web/serve.go" {
			t.Errorf("%s reads the environment", name)
		}
	}
}

// TestNothingAtStart: packages do nothing when they are loaded, for a cold start
// is paid by a person.
func TestNothingAtStart(t *testing.T) {
	t.Parallel()
	for name, file := range deployedFiles(t) {
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "init" && d.Recv == nil {
					t.Errorf("%s has an init function", name)
				}
			case *ast.GenDecl:
				ast.Inspect(d, func(node ast.Node) bool {
					if _, ok := node.(*ast.FuncLit); ok {
						return false // runs later, if at all
					}
					if s, ok := node.(*ast.SelectorExpr); ok {
						if x, ok := s.X.(*ast.Ident); ok && (x.Name == "os" && s.Sel.Name != "Stderr" || x.Name == "net" || x.Name == "http" && strings.HasPrefix(s.Sel.Name, "Get")) {
							t.Errorf("%s reads %s.%s when it is loaded", name, x.Name, s.Sel.Name)
						}
					}
					return true
				})
			}
		}
	}
}

// TestSetenv: only tests of configuration set the process's environment, so that
// all others run side by side.
func TestSetenv(t *testing.T) {
	t.Parallel()
	total, found := 0, []string{}
	err := filepath.WalkDir("../..", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return filepath.SkipDir
		case !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(name)
		if n := strings.Count(string(text), "t."+"Setenv("); n > 0 {
			total, found = total+n, append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if total > 8 {
		t.Errorf("t.Setenv stands in %d places of %v", total, found)
	}
}
