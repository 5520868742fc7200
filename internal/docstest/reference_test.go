package docstest

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/types"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"igconnect/lib/config"
)

const reference = "docs/reference.md"

// TestSettings holds the table of settings against the variables that Load asks for, its defaults
// against what Load does without them, and .env.example against both.
func TestSettings(t *testing.T) {
	var told []string
	defaults := map[string]string{}
	for _, row := range groups("(?m)^\\| `([A-Z_]+)` \\| *(?:`([^`]+)`|[^|]*?) *\\|", section(t, reference, "Settings")) {
		told = append(told, row[1])
		defaults[row[1]] = row[2]
	}
	compare(t, "variables", config.Variables, told)

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
	for _, variable := range firsts(`(?m)^#?([A-Z_]+)=`, example) {
		if !slices.Contains(config.Variables, variable) {
			t.Errorf(".env.example has %s, which nobody reads", variable)
		}
	}
}

// TestErrors holds the table of errors against THE table.
func TestErrors(t *testing.T) {
	var told []string
	for _, row := range groups("(?m)^\\| `([a-z_]+)` \\| ([0-9]{3}) \\|", section(t, reference, "Errors")) {
		told = append(told, row[1]+" "+row[2])
	}
	compare(t, "codes and statuses", errorCodes(t), told)
}

// errorCodes reads "code status" of each error from the source of errorTable.
func errorCodes(t *testing.T) (all []string) {
	t.Helper()
	statuses := map[string]int{} // by names of net/http
	for status := 100; status < 600; status++ {
		statuses["Status"+regexp.MustCompile(`\W`).ReplaceAllString(http.StatusText(status), "")] = status
	}
	source := read(t, "lib/web/errors.go")
	codes := groups(`(?m)^\t(\w+) +Code = "(\w+)"$`, source)
	for _, code := range codes {
		for _, status := range firsts(`(?m)^\t`+code[1]+`: +\{http\.(\w+),`, source) {
			all = append(all, fmt.Sprint(code[2], " ", statuses[status]))
		}
	}
	if len(all) != len(codes) || len(codes) != strings.Count(source, " Code = ") {
		t.Errorf("%d codes, and %d in the table", len(codes), len(all))
	}
	return all
}

// TestRoutes holds the table of routes against api/, with the methods of each, and the rewrites of
// vercel.json.
func TestRoutes(t *testing.T) {
	var want []string
	for _, name := range sources(t, "api") {
		methods := strings.ToUpper(strings.Join(firsts(`http\.Method(\w+): `, read(t, name)), ", "))
		want = append(want, "/"+strings.TrimSuffix(name, ".go")+" "+methods)
	}
	var rules struct{ Rewrites []struct{ Source string } }
	if err := json.Unmarshal([]byte(read(t, "vercel.json")), &rules); err != nil {
		t.Fatal(err)
	}
	for _, rewrite := range rules.Rewrites {
		want = append(want, rewrite.Source+" ")
	}
	var told []string
	for _, row := range groups("(?m)^\\| `(/|/api/[a-z/]+)` \\| ([A-Z, ]*) ?\\|", section(t, reference, "Routes")) {
		told = append(told, row[1]+" "+strings.TrimSpace(row[2]))
	}
	compare(t, "routes", want, told)
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
	for _, row := range firsts("(?m)^\\| ((?:`\\w+`(?:, )?)+) \\|", section(t, reference, "Log fields")) {
		for _, key := range spans(row) {
			told[key] = true
		}
	}
	compare(t, "log fields", want, told)
}

// logKeys finds the keys under which a package logs: texts given to note.Add, Note, slog's
// attributes and log.Info, also by way of a function that passes its parameter on.
func logKeys(t *testing.T, folder string, files []*ast.File) (keys []string) {
	t.Helper()
	passesOn := map[string]int{"Note": 0} // functions, and which of their parameters is a key
	for range 2 {                         // the second time all that pass a key on are known
		for _, file := range files {
			for _, declaration := range file.Decls {
				ast.Inspect(declaration, func(node ast.Node) bool {
					call, _ := node.(*ast.CallExpr)
					for _, key := range loggedKeys(call, passesOn) {
						if text, ok := literal(key); ok {
							keys = append(keys, text)
						} else if in, at := parameter(declaration, key); at >= 0 {
							passesOn[in] = at
						} else {
							t.Errorf("%s logs under a key that this test can't follow: %v", folder, key)
						}
					}
					return true
				})
			}
		}
	}
	return keys
}

// loggedKeys returns the arguments of a call that are keys of the log. The call may be nil.
func loggedKeys(call *ast.CallExpr, passesOn map[string]int) (keys []ast.Expr) {
	if call == nil {
		return nil
	}
	words := strings.Split(types.ExprString(call.Fun), ".") // Log.Info, note.Add
	of, name := words[max(0, len(words)-2)], words[len(words)-1]
	at, known := passesOn[name]
	switch {
	case of == "note" && name == "Add":
		return call.Args[1:2]
	case of == "slog" && slices.Contains([]string{"Any", "Bool", "Duration", "Int", "Int64", "String", "Time"}, name):
		return call.Args[:1]
	case slices.Contains([]string{"Info", "Warn", "Error"}, name):
		for i := 1; i < len(call.Args); i += 2 {
			keys = append(keys, call.Args[i])
		}
	case known:
		return call.Args[at : at+1]
	}
	return keys
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

// parameter returns the function that a declaration is, and which of its parameters the expression
// is, or -1.
func parameter(declaration ast.Decl, expression ast.Expr) (function string, at int) {
	f, isFunction := declaration.(*ast.FuncDecl)
	name, isName := expression.(*ast.Ident)
	if !isFunction || !isName {
		return "", -1
	}
	var names []string
	for _, field := range f.Type.Params.List {
		for _, n := range field.Names {
			names = append(names, n.Name)
		}
	}
	return f.Name.Name, slices.Index(names, name.Name)
}
