package leaks

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Main runs the tests of a package as run does, and then searches all that the
// process wrote to stdout and stderr for the secrets of every Watch. It returns
// the exit status: run's, or 1 if something leaked. What was searched is
// printed.
//
//	func TestMain(m *testing.M) { os.Exit(leaks.Main(m.Run)) }
func Main(run func() int) int {
	stop := map[string]func() []byte{}
	for name, output := range map[string]**os.File{"stdout": &os.Stdout, "stderr": &os.Stderr} {
		var err error
		if stop[name], err = Capture(output); err != nil {
			fmt.Println("capturing output:", err)
			return 1
		}
	}
	status := run()
	outputs := map[string][]byte{"stdout": stop["stdout"](), "stderr": stop["stderr"]()}
	if all.worlds == 0 { // none of the tests that were asked for has one
		return status
	}
	secrets, sizes := all.known(), all.searched()
	search := NewSearch(secrets)
	for name, output := range outputs {
		sizes[name] = len(output)
		for _, leak := range search.In(output) {
			fmt.Printf("LEAK in %s: %s\n", name, leak)
			status = 1
		}
	}
	fmt.Printf("searched for %d secrets of %d worlds: %s\n", len(secrets), all.worlds, list(sizes))
	return status
}

// list prints sizes in kilobytes.
func list(sizes map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		parts = append(parts, fmt.Sprintf("%s %d KB", name, (sizes[name]+999)/1000))
	}
	return strings.Join(parts, ", ")
}
