package docstest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"igconnect/internal/deploytest"
	"igconnect/internal/functions"
	"igconnect/internal/metasim"
	"igconnect/lib/health"
	"igconnect/lib/renew"
	"igconnect/lib/store"
)

const openAPI = "docs/openapi.yaml"

// description is what docs/openapi.yaml says, as far as the tests read it.
type description struct {
	OpenAPI    string `yaml:"openapi"`
	Paths      map[string]map[string]operation
	Components struct {
		Parameters    map[string]parameterOf
		RequestBodies map[string]body `yaml:"requestBodies"`
		Schemas       map[string]schema
	}
}

type operation struct {
	Parameters []parameterOf
	Body       body `yaml:"requestBody"`
	Responses  map[string]struct {
		Ref string `yaml:"$ref"`
	}
	Codes []string `yaml:"x-error-codes"`
}

type parameterOf struct {
	Ref  string `yaml:"$ref"`
	Name string
	In   string
}

type body struct {
	Ref     string `yaml:"$ref"`
	Content map[string]struct{ Schema schema }
}

type schema struct {
	Enum       []string
	Properties map[string]any
}

func readOpenAPI(t *testing.T) (d description) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, openAPI)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOpenAPI holds docs/openapi.yaml against the functions: paths, methods, fields, codes, and what
// they answer.
func TestOpenAPI(t *testing.T) {
	d := readOpenAPI(t)
	if !strings.HasPrefix(d.OpenAPI, "3.1.") {
		t.Errorf("it is OpenAPI %q, want 3.1", d.OpenAPI)
	}
	t.Run("paths", func(t *testing.T) { checkPaths(t, d) })
	t.Run("references", func(t *testing.T) { checkReferences(t) })
	t.Run("fields", func(t *testing.T) { checkFields(t, d) })
	t.Run("codes", func(t *testing.T) { checkCodes(t, d) })
	t.Run("schemas", func(t *testing.T) { checkSchemas(t, d) })
	t.Run("answers", func(t *testing.T) { checkAnswers(t, d) })
}

// checkPaths compares the paths with the functions and the rewrites to them, and the methods with those
// that each function says it has.
func checkPaths(t *testing.T, d description) {
	want := map[string][]string{}
	for path, function := range functions.With(deploytest.New(t, deploytest.Options{}).App) {
		answer := httptest.NewRecorder()
		function(answer, httptest.NewRequest("PROBE", path, nil))
		want[path] = strings.Split(answer.Header().Get("Allow"), ", ")
	}
	var rules struct {
		Rewrites []struct{ Source, Destination string }
	}
	if err := json.Unmarshal([]byte(read(t, "vercel.json")), &rules); err != nil {
		t.Fatal(err)
	}
	for _, rewrite := range rules.Rewrites {
		want[rewrite.Source] = want[rewrite.Destination]
	}
	told := map[string][]string{}
	for path, operations := range d.Paths {
		for method := range operations {
			told[path] = append(told[path], strings.ToUpper(method))
		}
	}
	asLines := func(all map[string][]string) (lines []string) {
		for path, methods := range all {
			lines = append(lines, path+" "+strings.Join(slices.Sorted(slices.Values(methods)), ", "))
		}
		return lines
	}
	compare(t, "paths and methods", asLines(want), asLines(told))
}

// checkReferences shows that what is referred to is there, and that no comma made a member of a text.
func checkReferences(t *testing.T) {
	var whole map[string]any
	if err := yaml.Unmarshal([]byte(read(t, openAPI)), &whole); err != nil {
		t.Fatal(err)
	}
	found := firsts(`\$ref: "#/([^"]+)"`, read(t, openAPI))
	wantMany(t, len(found), 10, "references")
	for _, reference := range found {
		var at any = whole
		for part := range strings.SplitSeq(reference, "/") {
			at, _ = at.(map[string]any)[part]
		}
		if at == nil {
			t.Errorf("there is no %s", reference)
		}
	}
	for _, member := range empty(whole) {
		t.Errorf("%q has no value", member)
	}
}

// empty returns the members without a value, wherever they are.
func empty(value any) (members []string) {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			if members = append(members, empty(v)...); v == nil {
				members = append(members, name)
			}
		}
	case []any:
		for _, v := range value {
			members = append(members, empty(v)...)
		}
	}
	return members
}

// checkFields compares the parameters and form fields with those that the code reads.
func checkFields(t *testing.T, d description) {
	told := map[string]bool{}
	for _, operations := range d.Paths {
		for _, o := range operations {
			for _, name := range d.fields(o) {
				told[name] = true
			}
		}
	}
	want := map[string]bool{}
	for _, name := range slices.Concat(sources(t, "api"), sources(t, "lib/web"), []string{"lib/connect/begin.go"}) {
		code := read(t, name)
		for _, field := range firsts(`(?:query|Query\(\)|asked|form|answer)\.(?:Get|Has)\("([a-z_.]+)"\)`, code) {
			want[field] = true
		}
		for _, field := range firsts(`(?:PostFormValue\(|answered\(answer, |valuesOf\(r.URL.RawQuery, |form\[)"([a-z_]+)"`, code) {
			want[field] = true
		}
		for _, list := range firsts(`range \[\]string\{((?:"error[a-z_]*"(?:, )?)+)\}`, code) { // what Meta may say
			for _, field := range firsts(`"([a-z_]+)"`, list) {
				want[field] = true
			}
		}
	}
	compare(t, "fields", slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(told)))
}

// fields are the names of an operation's query parameters and form fields.
func (d description) fields(o operation) (names []string) {
	for _, p := range o.Parameters {
		if p.Ref != "" {
			p = d.Components.Parameters[lastPart(p.Ref)]
		}
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	if o.Body.Ref != "" {
		o.Body = d.Components.RequestBodies[lastPart(o.Body.Ref)]
	}
	form := o.Body.Content["application/x-www-form-urlencoded"].Schema.Properties
	return slices.AppendSeq(names, maps.Keys(form))
}

func lastPart(reference string) string { return reference[strings.LastIndex(reference, "/")+1:] }

// checkCodes compares the codes and their statuses with THE table, and each operation's statuses with
// its codes.
func checkCodes(t *testing.T, d description) {
	table := errorCodes(t)
	var told []string
	for _, row := range groups(`(?m)^ +- ([a-z_]+) # ([0-9]{3})$`, read(t, openAPI)) {
		told = append(told, row[1]+" "+row[2])
	}
	compare(t, "codes and statuses", table, told)

	statuses, used := map[string]string{}, map[string]bool{}
	for _, row := range table {
		code, status, _ := strings.Cut(row, " ")
		statuses[code] = status
	}
	compare(t, "codes", slices.Collect(maps.Keys(statuses)), d.Components.Schemas["ErrorCode"].Enum)
	for path, operations := range d.Paths {
		for method, o := range operations {
			want, told := map[string]bool{}, map[string]bool{}
			for _, code := range o.Codes {
				want[statuses[code]], used[code] = true, true
			}
			for status, response := range o.Responses {
				if lastPart(response.Ref) == "Failure" {
					told[status] = true
				}
			}
			if status := "503"; path == "/api/health" { // its own 503 is no failure
				delete(want, status)
			}
			compare(t, "failures of "+method+" "+path, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(told)))
		}
	}
	compare(t, "codes that an operation names", slices.Collect(maps.Keys(statuses)), slices.Collect(maps.Keys(used)))
}

// checkSchemas compares the objects with the types that are answered with.
func checkSchemas(t *testing.T, d description) {
	for name, answered := range map[string]any{"Account": store.Account{}, "Health": health.Report{}, "Renewal": renew.Result{}} {
		told := slices.Collect(maps.Keys(d.Components.Schemas[name].Properties))
		compare(t, "members of "+name, members(reflect.TypeOf(answered)), told)
	}
	_, types, _ := strings.Cut(read(t, "public/igconnect/connect.d.ts"), "interface Account {")
	types, _, _ = strings.Cut(types, "\n}")
	compare(t, "members of Account in connect.d.ts", members(reflect.TypeOf(store.Account{})), firsts(`(?m)^  (\w+): `, types))
}

// members are the names that a struct has in JSON.
func members(of reflect.Type) (names []string) {
	for field := range of.Fields() {
		if field.Anonymous {
			names = append(names, members(field.Type)...)
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// checkAnswers asks every operation in many ways, and looks up each answer.
func checkAnswers(t *testing.T, d description) {
	deployed := deploytest.New(t, deploytest.Options{Pages: deploytest.Brands(1, 2)})
	seen := map[string]bool{}
	look := func(method, path string, answer deploytest.Answer) {
		t.Helper()
		o, status := d.Paths[path][strings.ToLower(method)], strconv.Itoa(answer.StatusCode)
		if _, told := o.Responses[status]; !told {
			t.Errorf("%s %s answers %s (%s), which is not told", method, path, status, answer.Code())
		}
		if code := answer.Code(); code != "" && !slices.Contains(o.Codes, code) {
			t.Errorf("%s %s fails with %s, which is not told", method, path, code)
		}
		seen[answer.Code()] = true
	}
	askAll := func(header map[string]string, more ...string) {
		for path, operations := range d.Paths {
			for method, o := range operations {
				method, filled := strings.ToUpper(method), url.Values{}
				for _, name := range d.fields(o) {
					filled.Set(name, "x")
				}
				for _, query := range []string{"", "?" + filled.Encode()} {
					for _, body := range append(more, "", filled.Encode()) {
						look(method, path, deployed.Send(method, path+query, header, body))
					}
				}
			}
		}
	}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Origin": deployed.URL}
	askAll(form, strings.Repeat("x", 100_000))
	askAll(map[string]string{"Origin": "https://evil.example", "Accept": "application/json"})
	askAll(map[string]string{"Authorization": "Bearer " + deploytest.Session(deploytest.Ada)})
	askAll(map[string]string{"Authorization": "Bearer " + deploytest.CronSecret})
	deployed.SetCookie(deployed.Cookies("sb-")[0].Name, "")
	askAll(form)

	deployed.SignIn(deploytest.Ada)
	back := deployed.LogIn("?return_to=/", metasim.Approval{})
	look(http.MethodGet, "/api/callback", deployed.Get(back))
	deployed.Set("SUPABASE_URL", "http://127.0.0.1:1")
	askAll(form)
	for _, name := range []string{"FB_APP_ID", "SUPABASE_URL"} {
		deployed.Set(name, "")
	}
	askAll(form)
	wantMany(t, len(seen), 10, "different codes")
}
