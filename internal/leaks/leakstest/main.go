package leakstest

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"igconnect/internal/leaks"
)

// Main runs the tests of a package as run does, and then searches all that the
// process wrote to stdout and stderr for the secrets of every Watch. It returns
// the exit status: run's, or 1 if something leaked. What was searched is
// printed.
func Main(run func() int) int {
	stop := map[string]func() []byte{}
	for name, output := range map[string]**os.File{"stdout": &os.Stdout, "stderr": &os.Stderr} {
		var err error
		if stop[name], err = leaks.Capture(output); err != nil {
			fmt.Println("capturing output:", err)
			return 1
		}
	}
	status := run()
	outputs := map[string][]byte{"stdout": stop["stdout"](), "stderr": stop["stderr"]()}
	if all.worlds == 0 { // none of the tests that were asked for has one
		return status
	}
	secrets, sizes := all.known(), maps.Clone(all.sizes)
	search := leaks.NewSearch(secrets)
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

// all is what the worlds of this process knew and saw.
var all = process{secrets: map[string]string{}, sizes: map[string]int{}}

type process struct {
	mutex   sync.Mutex
	secrets map[string]string // names by value: worlds use the same names
	sizes   map[string]int    // bytes by output
	worlds  int
}

func (p *process) add(secrets map[string]string, sizes map[string]int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.worlds++
	for name, value := range secrets {
		p.secrets[value] = name
	}
	for name, size := range sizes {
		p.sizes[name] += size
	}
}

// known are the secrets of all worlds, under names that differ.
func (p *process) known() map[string]string {
	known := make(map[string]string, len(p.secrets))
	for value, name := range p.secrets {
		known[fmt.Sprintf("%s (%d)", name, len(known))] = value
	}
	return known
}
