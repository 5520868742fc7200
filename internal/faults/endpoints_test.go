package faults_test

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// How lib/ writes down what it asks for: a path of the Graph API or of Supabase
// Auth, with the method before it, or without one where a list is read; a
// function of the database; a query of the table.
var (
	pathAsked     = regexp.MustCompile(`(?:http\.Method(\w+), (?:path: |s\.url\+)?)?"(/[a-z0-9_/]*)"(?: ?\+ ?[\w.()]+(?: ?\+ ?"(/[a-z_]+)")?)?`)
	functionAsked = regexp.MustCompile(`s\.call\(ctx, "[^"]*", "([a-z_]+)"`)
	tableAsked    = regexp.MustCompile(`s\.client\.From\(connections\)\.(\w+)\(`)
)

var methodOf = map[string]string{"Select": "GET", "Upsert": "POST", "Update": "PATCH", "Delete": "DELETE"}

// checkEndpoints finds calls in lib/ that no flow makes. Two of the same method
// and path, as both updates of the table, are one here.
func checkEndpoints(t *testing.T, scripts []*script) {
	t.Helper()
	made := map[string]bool{}
	for _, s := range scripts {
		for _, r := range s.records {
			words := strings.Fields(r.Name) // the third, where there is one, is a grant_type
			made[words[0]+" "+words[1]] = true
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
			for _, name := range asked(string(source)) {
				found++
				if !made[name] {
					t.Errorf("no flow makes the call %s of %s", name, filepath.Base(file))
				}
			}
		}
	}
	if found < 26 {
		t.Errorf("only %d calls were found in lib/: they are written otherwise now", found)
	}
}

// asked are the calls in a source file, named as in the record.
func asked(source string) []string {
	var names []string
	for _, match := range pathAsked.FindAllStringSubmatch(source, -1) {
		method, path := match[1], match[2]+match[3]
		if method == "" && path == "/" {
			continue // a slash between other things
		}
		if strings.HasPrefix(path, "//") || path == "/" { // the id in between was left out
			path = "/{id}" + path[1:]
		}
		names = append(names, cmp.Or(strings.ToUpper(method), "GET")+" "+path)
	}
	for _, match := range functionAsked.FindAllStringSubmatch(source, -1) {
		names = append(names, "POST /rpc/"+match[1])
	}
	for _, match := range tableAsked.FindAllStringSubmatch(source, -1) {
		names = append(names, methodOf[match[1]]+" /user_configs")
	}
	return names
}

func TestAsked(t *testing.T) {
	for source, want := range map[string]string{
		`call{op: "x", method: http.MethodGet, path: "/me/permissions", token: token}`:       "GET /me/permissions",
		`op: "x", method: http.MethodDelete, path: "/" + personID + "/permissions",`:         "DELETE /{id}/permissions",
		`method: http.MethodGet, path: "/" + pageID,`:                                        "GET /{id}",
		`call.method, call.path = http.MethodPost, "/oauth/access_token"`:                    "POST /oauth/access_token",
		`c.pages(ctx, "listing the Pages", "/me/accounts", token)`:                           "GET /me/accounts",
		`append(paths, "/"+string(business.ID)+"/owned_pages")`:                              "GET /{id}/owned_pages",
		`http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/auth/v1/user", nil)`:        "GET /auth/v1/user",
		`s.call(ctx, "counting what is due", "count_due_connections", map[string]any{}, &n)`: "POST /rpc/count_due_connections",
		`s.client.From(connections).Delete("minimal", "")`:                                   "DELETE /user_configs",
		`event.Kind + "/" + clipped(mid) + "/" + timestamp`:                                  "",
	} {
		if got := strings.Join(asked(source), ", "); got != want {
			t.Errorf("%s asks for %s, want %s", source, got, want)
		}
	}
}
