package leaks

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"sync"
)

// Watch gathers everything that one world of a test puts out, and the secrets
// that went into it. Its methods may be called at once.
type Watch struct {
	mutex   sync.Mutex
	secrets map[string]string
	outputs map[string]*bytes.Buffer
}

// NewWatch returns an empty one.
func NewWatch() *Watch {
	return &Watch{secrets: map[string]string{}, outputs: map[string]*bytes.Buffer{}}
}

// Know adds secrets to be searched for, by name. Empty ones are none.
func (w *Watch) Know(secrets map[string]string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for name, value := range secrets {
		if value != "" {
			w.secrets[name] = value
		}
	}
}

// See adds to an output of that name.
func (w *Watch) See(name string, text []byte) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.outputs[name] == nil {
		w.outputs[name] = &bytes.Buffer{}
	}
	w.outputs[name].Write(append(text, '\n'))
}

// Responses sees every response of a handler whole: status, headers with
// redirects and cookies, body.
func (w *Watch) Responses(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		tee := &tee{ResponseWriter: rw}
		defer func() {
			w.See("headers", fmt.Appendf(nil, "%d %v", tee.status, rw.Header()))
			w.See("bodies", tee.body.Bytes())
		}()
		next.ServeHTTP(tee, r)
	})
}

type tee struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (t *tee) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *tee) Write(part []byte) (int, error) {
	t.body.Write(part)
	return t.ResponseWriter.Write(part)
}

// Leaks searches all that was seen, and remembers it for Main.
func (w *Watch) Leaks() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	search := NewSearch(w.secrets)
	var found []string
	sizes := map[string]int{}
	for name, output := range w.outputs {
		sizes[name] = output.Len()
		for _, leak := range search.In(output.Bytes()) {
			found = append(found, name+": "+leak.String())
		}
	}
	all.add(w.secrets, sizes)
	return found
}

// all is what the worlds of this process knew and saw.
var all = process{secrets: map[string]string{}, sizes: map[string]int{}}

type process struct {
	mutex   sync.Mutex
	secrets map[string]string // the value is its own name here: worlds use the same names
	sizes   map[string]int
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
	p.mutex.Lock()
	defer p.mutex.Unlock()
	known := make(map[string]string, len(p.secrets))
	for value, name := range p.secrets {
		known[fmt.Sprintf("%s (%d)", name, len(known))] = value
	}
	return known
}

// searched says how much of each output was searched, in bytes.
func (p *process) searched() map[string]int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return maps.Clone(p.sizes)
}
