package faults_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
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
