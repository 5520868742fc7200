package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
)

// haystack is one output of a run: a table, a response, a cookie, a log.
type haystack struct {
	name    string
	content []byte
	raw     bool // a database file: what it holds is not encoded again
}

// leaks returns the names of the haystacks in which one of the secrets stands,
// in clear or in an encoding that anybody can undo.
func leaks(secrets []string, haystacks []haystack) []string {
	var found []string
	for _, h := range haystacks {
		contains := func(secret string) bool {
			if h.raw {
				return bytes.Contains(h.content, []byte(secret))
			}
			return slices.ContainsFunc(disguises(secret), func(needle []byte) bool { return bytes.Contains(h.content, needle) })
		}
		if slices.ContainsFunc(secrets, contains) {
			found = append(found, h.name)
		}
	}
	return found
}

// disguises returns the forms in which a secret could stand in a text: as it
// is, for a URL, in hex and in base64, whatever stands before it there.
func disguises(secret string) [][]byte {
	forms := [][]byte{
		[]byte(secret),
		[]byte(url.QueryEscape(secret)),
		[]byte(hex.EncodeToString([]byte(secret))),
	}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			// Only whole groups of three bytes encode alike in any company: the
			// bytes that share a group with a neighbour are left out.
			skip := (3 - shift) % 3
			if len(secret) < skip+6 {
				continue
			}
			whole := secret[skip : skip+(len(secret)-skip)/3*3]
			forms = append(forms, []byte(enc.EncodeToString([]byte(whole))))
		}
	}
	return forms
}

// databaseFiles reads all files under dir: the heap, where a deleted row lives
// on, and the write-ahead log.
func databaseFiles(dir string) ([]haystack, error) {
	var files []haystack
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files = append(files, haystack{name: "database file " + name, content: content, raw: true})
		return err
	})
	return files, err
}
