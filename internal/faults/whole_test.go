package faults_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"igconnect/internal/faults"
)

// Every function of api/ is served here, and has a flow.
func TestEveryFunctionHasAFlow(t *testing.T) {
	files, err := filepath.Glob("../../api/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("api/ has no files", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".go")
		if strings.HasSuffix(name, "_test") {
			continue
		}
		if functions["/api/"+name] == nil {
			t.Errorf("%s.go is not served", name)
		}
		if !slices.ContainsFunc(flows, func(f flow) bool { return regexp.MustCompile(`^` + name + `\b`).MatchString(f.name) }) {
			t.Errorf("%s.go has no flow", name)
		}
	}
}

// checkExceptions finds exceptions that are about no call: they would hide what
// changed.
func checkExceptions(t *testing.T, scripts []*script) {
	t.Helper()
	for _, e := range exceptions {
		if !slices.ContainsFunc(scripts, func(s *script) bool {
			return matches(e.flows, s.flow.name) && slices.ContainsFunc(s.records, func(r faults.Record) bool { return matches(e.call, r.String()) })
		}) {
			t.Errorf("no call is like the exception %q at %q", e.call, e.flows)
		}
	}
}

// endpoint finds what lib/ asks its upstreams for: paths below the Graph API's,
// functions of the database, and what stands at Supabase Auth.
var endpoint = regexp.MustCompile(`"(?:/auth/v1)?(/[a-z_/]+)"|s\.call\(ctx, "[^"]*", "([a-z_]+)"`)

// checkEndpoints finds calls in lib/ that no flow makes.
func checkEndpoints(t *testing.T, scripts []*script) {
	t.Helper()
	var made strings.Builder
	for _, s := range scripts {
		for _, r := range s.records {
			made.WriteString(r.Name + " \n")
		}
	}
	found := 0
	for _, pattern := range []string{"../../lib/graph/*.go", "../../lib/store/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range endpoint.FindAllStringSubmatch(string(source), -1) {
				found++
				if name := strings.TrimRight(match[1]+match[2], "/"); name != "" && !regexp.MustCompile(regexp.QuoteMeta(name)+`[ /]`).MatchString(made.String()) {
					t.Errorf("no flow makes the call %s of %s", name, filepath.Base(file))
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d calls were found in lib/: they are written otherwise now", found)
	}
}
