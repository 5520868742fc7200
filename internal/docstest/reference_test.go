package docstest

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/config"
)

const reference = "docs/reference.md"

var sorted = cmp.Transformer("sorted", func(all []string) []string { return slices.Sorted(slices.Values(all)) })

// TestSettings holds the table of settings against the variables that Load asks for, its defaults
// against what Load does without them, and .env.example against both.
func TestSettings(t *testing.T) {
	var told []string
	defaults := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| *(?:`([^`]+)`|[^|]*?) *\\|").FindAllStringSubmatch(section(t, reference, "Settings"), -1) {
		told = append(told, row[1])
		defaults[row[1]] = row[2]
	}
	if diff := cmp.Diff(config.Variables, told, sorted); diff != "" {
		t.Errorf("the variables (-wanted +told):\n%s", diff)
	}

	c, _ := config.Load(func(string) string { return "" })
	example := read(t, ".env.example")
	for variable, want := range map[string]string{
		"FB_LOGIN_SCOPES":   strings.Join(c.Scopes, ","),
		"WEBHOOK_FIELDS":    strings.Join(c.WebhookFields, ","),
		"GRAPH_API_VERSION": strings.TrimPrefix(c.GraphURL, config.MetaGraphURL+"/"),
		"FB_GRAPH_URL":      config.MetaGraphURL,
		"FB_DIALOG_URL":     config.MetaDialogURL,
	} {
		if defaults[variable] != want {
			t.Errorf("the default of %s is %q, want %q", variable, defaults[variable], want)
		}
		if !strings.Contains(example, "\n#"+variable+"="+want+"\n") {
			t.Errorf(".env.example lacks the default of %s", variable)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^#?([A-Z_]+)=`).FindAllStringSubmatch(example, -1) {
		if !slices.Contains(config.Variables, m[1]) {
			t.Errorf(".env.example has %s, which nobody reads", m[1])
		}
	}
}

// TestErrors holds the table of errors against THE table.
func TestErrors(t *testing.T) {
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([0-9]{3}) \\|").FindAllStringSubmatch(section(t, reference, "Errors"), -1) {
		told = append(told, row[1]+" "+row[2])
	}
	if diff := cmp.Diff(errorCodes(t), told, sorted); diff != "" {
		t.Errorf("the codes and statuses (-wanted +told):\n%s", diff)
	}
}

// errorCodes reads "code status" of each error from the source of errorTable.
func errorCodes(t *testing.T) (all []string) {
	t.Helper()
	file := parse(t, errorsFile())
	codes := map[string]string{}
	ast.Inspect(file, func(node ast.Node) bool {
		if c, ok := node.(*ast.ValueSpec); ok && len(c.Values) == 1 {
			if text, ok := literal(c.Values[0]); ok {
				codes[c.Names[0].Name] = text
			}
		}
		return true
	})
	ast.Inspect(file, func(node ast.Node) bool {
		entry, ok := node.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		key, _ := entry.Key.(*ast.Ident)
		value, isStruct := entry.Value.(*ast.CompositeLit)
		if key == nil || !isStruct || codes[key.Name] == "" {
			return true
		}
		status := value.Elts[0]
		if named, ok := status.(*ast.KeyValueExpr); ok {
			status = named.Value
		}
		all = append(all, codes[key.Name]+" "+statusOf(t, status))
		return true
	})
	if len(all) != len(codes) {
		t.Errorf("%d codes, and %d in the table", len(codes), len(all))
	}
	return all
}

func errorsFile() string {
	if exists("lib/web/errors.go") {
		return "lib/web/errors.go"
	}
	return "lib/app/errors.go"
}

// statusOf turns http.StatusNotFound into "404".
func statusOf(t *testing.T, expression ast.Expr) string {
	t.Helper()
	selected, ok := expression.(*ast.SelectorExpr)
	if !ok {
		t.Fatalf("the status is %T, not a name of net/http", expression)
	}
	for status := 100; status < 600; status++ {
		if name := regexp.MustCompile(`\W`).ReplaceAllString(http.StatusText(status), ""); name != "" && "Status"+name == selected.Sel.Name {
			return strconv.Itoa(status)
		}
	}
	t.Fatalf("there is no status %s", selected.Sel.Name)
	return ""
}

// literal is the value of a text in the source.
func literal(expression ast.Expr) (string, bool) {
	basic, ok := expression.(*ast.BasicLit)
	if !ok {
		return "", false
	}
	text, err := strconv.Unquote(basic.Value)
	return text, err == nil
}

// TestRoutes holds the table of routes against api/, with the methods of each, and the rewrites of
// vercel.json.
func TestRoutes(t *testing.T) {
	var want []string
	for _, name := range glob(t, "api/*.go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		var methods []string
		for _, m := range regexp.MustCompile(`http\.Method(\w+): `).FindAllStringSubmatch(read(t, name), -1) {
			methods = append(methods, strings.ToUpper(m[1]))
		}
		want = append(want, "/"+strings.TrimSuffix(name, ".go")+" "+strings.Join(methods, ", "))
	}
	var rules struct{ Rewrites []struct{ Source string } }
	if err := json.Unmarshal([]byte(read(t, "vercel.json")), &rules); err != nil {
		t.Fatal(err)
	}
	for _, rewrite := range rules.Rewrites {
		want = append(want, rewrite.Source+" ")
	}
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(/api/[a-z/]+)` \\| ([A-Z, ]*) ?\\|").FindAllStringSubmatch(section(t, reference, "Routes"), -1) {
		told = append(told, row[1]+" "+strings.TrimSpace(row[2]))
	}
	if diff := cmp.Diff(want, told, sorted); diff != "" {
		t.Errorf("the routes (-wanted +told):\n%s", diff)
	}
}

// TestLogFields holds the table of log fields against the keys that lib/ and api/ log.
func TestLogFields(t *testing.T) {
	want := map[string]bool{"time": true, "level": true, "msg": true} // slog's own
	packages := map[string][]*ast.File{}
	for _, name := range slices.Concat(sources(t, "lib"), sources(t, "api")) {
		if folder := filepath.Dir(name); folder != "lib/note" { // it passes on what others note
			packages[folder] = append(packages[folder], parse(t, name))
		}
	}
	for folder, files := range packages {
		for _, key := range logKeys(t, folder, files) {
			want[key] = true
		}
	}
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| ((?:`\\w+`(?:, )?)+) \\|").FindAllStringSubmatch(section(t, reference, "Log fields"), -1) {
		for _, key := range spans(row[1]) {
			told[key] = true
		}
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("the log fields (-wanted +told):\n%s", diff)
	}
}

// logKeys finds the keys under which a package logs: texts given to note.Add, Note, slog's
// attributes and log.Info, also by way of a function that passes its parameter on.
func logKeys(t *testing.T, folder string, files []*ast.File) (keys []string) {
	t.Helper()
	passesOn := map[string]int{} // functions, and which of their parameters is a key
	collect := func(declaration ast.Decl, keysOf func(*ast.CallExpr) []ast.Expr) {
		in, _ := declaration.(*ast.FuncDecl)
		ast.Inspect(declaration, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			for _, key := range keysOf(call) {
				if text, ok := literal(key); ok {
					keys = append(keys, text)
				} else if at := parameter(in, key); at >= 0 {
					passesOn[in.Name.Name] = at
				} else {
					t.Errorf("%s logs under a key that this test can't follow: %v", folder, key)
				}
			}
			return true
		})
	}
	for _, keysOf := range []func(*ast.CallExpr) []ast.Expr{
		loggedKeys,
		func(call *ast.CallExpr) []ast.Expr { // once all that pass a key on are known
			if at, known := passesOn[called(call)]; known && called(call) != "Note" {
				return call.Args[at : at+1]
			}
			return nil
		},
	} {
		for _, file := range files {
			for _, declaration := range file.Decls {
				collect(declaration, keysOf)
			}
		}
	}
	return keys
}

// loggedKeys returns the arguments of a call that are keys of the log.
func loggedKeys(call *ast.CallExpr) (keys []ast.Expr) {
	selected, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	of := fmt.Sprint(selected.X)
	switch {
	case selected.Sel.Name == "Note":
		return call.Args[:1]
	case of == "note" && selected.Sel.Name == "Add":
		return call.Args[1:2]
	case of == "slog" && slices.Contains([]string{"Any", "Bool", "Duration", "Int", "Int64", "String", "Time"}, selected.Sel.Name):
		return call.Args[:1]
	case slices.Contains([]string{"Info", "Warn", "Error"}, selected.Sel.Name) && isMessage(call.Args):
		for i := 1; i < len(call.Args); i += 2 {
			keys = append(keys, call.Args[i])
		}
	}
	return keys
}

// isMessage reports whether the arguments are a log's message and keys with values.
func isMessage(arguments []ast.Expr) bool {
	if len(arguments) == 0 {
		return false
	}
	_, ok := literal(arguments[0])
	return ok
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// parameter returns which of the function's parameters the expression is, or -1. f may be nil.
func parameter(f *ast.FuncDecl, expression ast.Expr) int {
	name, ok := expression.(*ast.Ident)
	if !ok || f == nil {
		return -1
	}
	at := 0
	for _, field := range f.Type.Params.List {
		for _, n := range field.Names {
			if n.Name == name.Name {
				return at
			}
			at++
		}
	}
	return -1
}
