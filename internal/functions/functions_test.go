package functions_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/functions"
)

const root = "../.."

// TestEveryFileIsListed: All holds the exported function of each file of api/, and nothing else.
func TestEveryFileIsListed(t *testing.T) {
	files := map[string]string{} // from paths to handlers
	for name, file := range parse(t, "api/*.go") {
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if ok && f.Recv == nil && f.Name.IsExported() && !strings.HasSuffix(name, "_test.go") {
				files["/api/"+strings.TrimSuffix(filepath.Base(name), ".go")] = "igconnect/api." + f.Name.Name
			}
		}
	}
	listed := map[string]string{}
	for path, handler := range functions.All {
		listed[path] = runtime.FuncForPC(reflect.ValueOf(handler).Pointer()).Name()
	}
	if diff := cmp.Diff(files, listed); diff != "" {
		t.Errorf("files of api/ and functions.All (-files +listed):\n%s", diff)
	}
}

// TestVercelJSON: each function has a maxDuration, the renewal its cron job, and each rewrite that
// the README promises leads to its function.
func TestVercelJSON(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "vercel.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Functions map[string]struct{ MaxDuration int }
		Crons     []struct{ Path string }
		Rewrites  []struct{ Source, Destination string }
	}
	if err := json.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	for _, function := range paths() {
		covered := false
		for pattern, settings := range rules.Functions {
			fits, _ := filepath.Match(pattern, function[1:]+".go")
			covered = covered || fits && settings.MaxDuration > 0
		}
		if !covered {
			t.Errorf("%s has no maxDuration", function)
		}
	}
	if len(rules.Crons) != 1 || rules.Crons[0].Path != "/api/renew" {
		t.Errorf("cron jobs: %v", rules.Crons)
	}
	rewrites := map[string]string{}
	for _, r := range rules.Rewrites {
		rewrites[r.Source] = r.Destination
		if functions.All[r.Destination] == nil {
			t.Errorf("%s leads to %s, where there is no function", r.Source, r.Destination)
		}
	}
	want := map[string]string{"/": "/api/home", "/api/auth/login": "/api/login", "/api/auth/callback": "/api/callback"}
	if diff := cmp.Diff(want, rewrites); diff != "" {
		t.Errorf("rewrites (-want +got):\n%s", diff)
	}
}

// TestEveryFunctionIsFuzzed: api.FuzzFunctions sends requests to each function, by each method.
func TestEveryFunctionIsFuzzed(t *testing.T) {
	fuzzed := texts(t, "api/*_test.go", "fuzzedFunctions")
	sent := texts(t, "api/*_test.go", "fuzzedMethods")
	for _, path := range paths() {
		if !slices.Contains(fuzzed, path) {
			t.Errorf("fuzzedFunctions lacks %s", path)
		}
		for _, method := range methods(path) {
			if !slices.Contains(sent, method) {
				t.Errorf("fuzzedMethods lacks %s, which %s serves", method, path)
			}
		}
	}
}

// withoutFlow are methods that need no flow in the fault matrix.
var withoutFlow = map[string]string{
	"home GET":    "it calls no upstream",
	"login POST":  "it is served as GET is",
	"webhook GET": "it calls no upstream",
}

// TestEveryFunctionMeetsFaults: the fault matrix has a flow for each method of each function. The
// name of a flow begins with that of its function, and the method where several need a flow.
func TestEveryFunctionMeetsFaults(t *testing.T) {
	flows := texts(t, "internal/faultproxy/*_test.go", "flows")
	for _, path := range paths() {
		name := strings.TrimPrefix(path, "/api/")
		served := methods(path)
		due := slices.DeleteFunc(slices.Clone(served), func(method string) bool { return withoutFlow[name+" "+method] != "" })
		if len(served) == 0 {
			t.Errorf("%s serves no method", path)
		}
		for _, method := range due {
			flow := name
			if len(due) > 1 {
				flow += " " + method
			}
			if !slices.ContainsFunc(flows, func(text string) bool { return text == flow || strings.HasPrefix(text, flow+",") }) {
				t.Errorf("the fault matrix has no flow %q", flow)
			}
		}
	}
}

// paths are those of All.
func paths() []string { return slices.Sorted(maps.Keys(functions.All)) }

// methods are those that a function serves, as it says where it is asked with another one.
// OPTIONS, which no function treats by itself, is not among them.
func methods(path string) []string {
	answer := httptest.NewRecorder()
	functions.All[path](answer, httptest.NewRequest(http.MethodTrace, path, nil))
	return slices.DeleteFunc(strings.Split(answer.Header().Get("Allow"), ", "), func(method string) bool {
		return method == "" || method == http.MethodOptions
	})
}

// texts are the string constants in the value of a package-level variable of some files.
func texts(t *testing.T, pattern, variable string) (all []string) {
	t.Helper()
	for _, file := range parse(t, pattern) {
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if ok && spec.Names[0].Name == variable {
				ast.Inspect(spec, func(node ast.Node) bool {
					if text, ok := node.(*ast.BasicLit); ok && text.Kind == token.STRING {
						value, _ := strconv.Unquote(text.Value) // it has been parsed
						all = append(all, value)
					}
					return true
				})
			}
			_, inFunction := node.(*ast.FuncDecl)
			return !ok && !inFunction
		})
	}
	if len(all) == 0 {
		t.Fatalf("%s has no variable %s", pattern, variable)
	}
	return all
}

// parse reads the Go files that match, which there must be.
func parse(t *testing.T, pattern string) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("there is no %s: %v", pattern, err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if files[name], err = parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
