package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"igconnect/internal/leaks"
)

// haystack is one output of a run: a table, a response, a cookie, a log.
type haystack struct {
	name    string
	content []byte
}

// keptLog shows what is written to it, and keeps it.
type keptLog struct {
	shown io.Writer
	mu    sync.Mutex
	kept  bytes.Buffer
}

func (l *keptLog) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept.Write(text)
	return l.shown.Write(text)
}

func (l *keptLog) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.kept.Bytes())
}

// leaking returns the names of the haystacks in which one of the secrets stands.
func leaking(secrets map[string]string, haystacks []haystack) []string {
	search := leaks.NewSearch(secrets)
	var found []string
	for _, h := range haystacks {
		if len(search.In(h.content)) > 0 {
			found = append(found, h.name)
		}
	}
	return found
}

// secrets are all that went into the walk, by name.
func (w *walk) secrets() map[string]string {
	secrets := leaks.Numbered("of Meta's", w.meta.Secrets())
	secrets["the database's key"] = w.env.supabaseKey()
	for _, name := range []string{"FB_APP_SECRET", "WEBHOOK_VERIFY_TOKEN", "CRON_SECRET"} {
		secrets[name] = w.env[name]
	}
	return secrets
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
		files = append(files, haystack{name: "database file " + name, content: content})
		return err
	})
	return files, err
}
