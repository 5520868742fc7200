// Package note collects the fields of a request's one log record. The context
// carries the record, so that a flow, which knows no HTTP, can say on the way
// what happened. lib/web makes the record and writes it, once, at the end.
package note

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// Record is what was noted during one request. Steps that run side by side may
// add to it.
type Record struct {
	mutex sync.Mutex
	keys  []string
	noted map[string][]any
}

type key struct{}

// New returns a context that carries a new, empty record.
func New(ctx context.Context) (context.Context, *Record) {
	record := &Record{noted: map[string][]any{}}
	return context.WithValue(ctx, key{}, record), record
}

// Add notes a value under a key of docs/reference.md. A context without a
// record swallows it.
func Add(ctx context.Context, name string, value any) {
	record, ok := ctx.Value(key{}).(*Record)
	if !ok {
		return
	}
	record.mutex.Lock()
	defer record.mutex.Unlock()
	if _, known := record.noted[name]; !known {
		record.keys = append(record.keys, name)
	}
	record.noted[name] = append(record.noted[name], value)
}

// Attributes returns what was noted, in the order of the first notes. Each key
// stands there once: what was noted twice under it becomes a list.
func (r *Record) Attributes() []slog.Attr {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	attributes := make([]slog.Attr, len(r.keys))
	for i, name := range r.keys {
		if values := r.noted[name]; len(values) == 1 {
			attributes[i] = slog.Any(name, values[0])
		} else {
			attributes[i] = slog.Any(name, slices.Clone(values))
		}
	}
	return attributes
}
