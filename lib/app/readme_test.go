package app

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestReadmeErrors holds the README's table of errors against THE table.
func TestReadmeErrors(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Errors\n")
	section, _, _ = strings.Cut(section, "\n## ")

	told := map[Code]int{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([0-9]{3}) \\|").FindAllStringSubmatch(section, -1) {
		status, _ := strconv.Atoi(row[2])
		told[Code(row[1])] = status
	}
	for code, entry := range errorTable {
		switch status, ok := told[code]; {
		case !ok:
			t.Errorf("the README says nothing about %s", code)
		case status != entry.status:
			t.Errorf("the README gives %s the status %d, it has %d", code, status, entry.status)
		}
		delete(told, code)
	}
	for code := range told {
		t.Errorf("the README tells of %s, which does not exist", code)
	}
}
