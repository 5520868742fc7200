// Package leaks searches what a run left behind for the secrets that went into
// it: as they are, and in each form that anybody can undo.
package leaks

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// Leak is one place where a secret stands.
type Leak struct {
	Secret string // its name
	Form   string // "plain", "hex", ...
	At     int    // offset in the text

	around string
}

// String shows where it stands, without it.
func (l Leak) String() string {
	return fmt.Sprintf("%s (%s) at %d: %q", l.Secret, l.Form, l.At, l.around)
}

// Find returns where in text the secrets stand, by their names: of each form of
// each secret the first place.
func Find(text []byte, secrets map[string]string) []Leak { return NewSearch(secrets).In(text) }

// Numbered names secrets of one kind: "token 1", "token 2".
func Numbered(kind string, values []string) map[string]string {
	secrets := make(map[string]string, len(values))
	for i, value := range values {
		secrets[fmt.Sprint(kind, " ", i+1)] = value
	}
	return secrets
}

// Search looks for the same secrets in many texts, in one pass over each.
type Search struct {
	needles []needle
	byStart map[uint64][]int // needles by their first eight bytes
	begins  [1 << 16]bool    // whether one begins with bytes of this sum
}

// NewSearch prepares a search for secrets, by their names. It panics if a
// secret has fewer than eight bytes: it would be found by chance.
func NewSearch(secrets map[string]string) *Search {
	s := &Search{byStart: map[uint64][]int{}}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if len(secrets[name]) < start {
			panic("leaks: " + name + " is too short to be searched for")
		}
		for _, n := range disguises(secrets[name]) {
			n.secret = name
			first := binary.LittleEndian.Uint64(n.text)
			s.byStart[first] = append(s.byStart[first], len(s.needles))
			s.begins[sum(first)] = true
			s.needles = append(s.needles, n)
		}
	}
	return s
}

// start is how many bytes of a needle are looked up at once.
const start = 8

// sum is a quick hash: most places of a text begin no needle.
func sum(first uint64) uint16 { return uint16(first * 0x9E3779B97F4A7C15 >> 48) }

// In returns where in text they stand: of each form of each secret the first
// place.
func (s *Search) In(text []byte) []Leak {
	var found []Leak
	seen := map[int]bool{}
	for at := 0; at+start <= len(text); at++ {
		first := binary.LittleEndian.Uint64(text[at:])
		if !s.begins[sum(first)] {
			continue
		}
		for _, i := range s.byStart[first] {
			n := s.needles[i]
			if seen[i] || len(text)-at < len(n.text) || string(text[at:at+len(n.text)]) != string(n.text) {
				continue
			}
			seen[i] = true
			found = append(found, Leak{n.secret, n.form, at, around(text, at, at+len(n.text))})
		}
	}
	return found
}

// around is the text next to a place, which is left out.
func around(text []byte, from, to int) string {
	const width = 40
	return string(text[max(0, from-width):from]) + "[…]" + string(text[to:min(len(text), to+width)])
}
