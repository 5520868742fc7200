package leaks

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
)

// Main runs the tests of a package as run does, and then searches all that the process wrote to
// stdout and stderr for the secrets of every [Watch]. It returns the exit status: run's, or 1 if
// something leaked. It prints what was searched.
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
	if all.watches == 0 { // none of the tests that were asked for has one
		return status
	}
	secrets, sizes := map[string]string{}, maps.Clone(all.sizes)
	for value, name := range all.secrets {
		secrets[fmt.Sprintf("%s (%d)", name, len(secrets))] = value
	}
	search := NewSearch(secrets)
	for name, output := range outputs {
		sizes[name] = len(output)
		for _, leak := range search.In(output) {
			fmt.Printf("LEAK in %s: %s\n", name, leak)
			status = 1
		}
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		parts = append(parts, fmt.Sprintf("%s %d KB", name, (sizes[name]+999)/1000))
	}
	fmt.Printf("searched for %d secrets of %d watches: %s\n", len(secrets), all.watches, strings.Join(parts, ", "))
	return status
}

// Capture begins to copy what is written to *output, os.Stdout or os.Stderr, which still shows
// everything. stop puts it back and returns the copy. It serves a whole process; what belongs to
// one test goes to its [Watch.LogWriter].
func Capture(output **os.File) (stop func() []byte, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	shown := *output
	var copied bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(io.MultiWriter(shown, &copied), r)
	}()
	*output = w
	return sync.OnceValue(func() []byte {
		*output = shown
		w.Close()
		<-done
		return copied.Bytes()
	}), nil
}

// all is what the watches of this process knew and saw. Names of secrets are by value, because
// watches use the same names for different secrets.
var all = struct {
	mutex   sync.Mutex
	secrets map[string]string
	sizes   map[string]int // bytes by output
	watches int
}{secrets: map[string]string{}, sizes: map[string]int{}}
