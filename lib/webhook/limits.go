package webhook

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"igconnect/lib/metajson"
)

const (
	maxLevels  = 64        // of an event's JSON
	maxPayload = 256 << 10 // bytes of it
	keptBytes  = maxPayload * 3 / 4
	shownNames = 20
)

// bounded returns an event that is small and flat enough for the database. One that is not becomes of
// the kind unknown. Its key stays, and its payload keeps what fits and names the rest.
func bounded(e Event) Event {
	if len(e.Payload) <= maxPayload && metajson.Depth(e.Payload) <= maxLevels {
		return e
	}
	kept, left := fitting(e.Payload, "", maxLevels, keptBytes, 2)
	named, _ := json.Marshal(left[:min(len(left), shownNames)])
	payload := append([]byte(`{"igconnect_left_out":`), named...)
	if len(kept) > len("{}") {
		payload = append(payload, ',')
	}
	e.Kind, e.Payload = unknown, append(payload, kept[1:]...)
	return e
}

// fitting returns what fits of a value into that many levels and bytes, nil for nothing, and the paths of
// what does not. Of an object it takes the members that fit, the smallest first, and so of those members
// that are objects themselves, that far down.
func fitting(raw json.RawMessage, path string, levels, room, down int) (kept json.RawMessage, left []string) {
	if len(raw) <= room && metajson.Depth(raw) <= levels {
		return raw, nil
	}
	if raw[0] != '{' || down == 0 || room < len("{}") {
		return nil, []string{clipped(path)}
	}
	all := members(raw)
	smallestFirst := func(a, b string) int {
		return cmp.Or(cmp.Compare(len(all[a]), len(all[b])), cmp.Compare(a, b))
	}
	kept = json.RawMessage("{")
	for _, name := range slices.SortedFunc(maps.Keys(all), smallestFirst) {
		written, _ := json.Marshal(name)
		rest := room - len(kept) - len(written) - len(`:,}`)
		member, more := fitting(all[name], strings.TrimPrefix(path+"."+name, "."), levels-1, rest, down-1)
		left = append(left, more...)
		switch {
		case member == nil:
			continue
		case len(kept) > 1:
			kept = append(kept, ',')
		}
		kept = append(append(append(kept, written...), ':'), member...)
	}
	return append(kept, '}'), left
}
