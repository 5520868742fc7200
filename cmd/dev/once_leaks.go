package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"igconnect/internal/leaks"
)

// output is one of a run: a table, a response, a cookie, a log.
type output struct {
	name    string
	content []byte
}

// checkLeaks searches everything that the run left behind for the secrets that went through it.
func (w *walk) checkLeaks(ctx context.Context, logs []byte) error {
	tables, err := w.supabase.Dump(ctx)
	if err != nil {
		return err
	}
	if _, err := w.supabase.SQL(ctx, "checkpoint"); err != nil {
		return fmt.Errorf("writing the database's files: %w", err)
	}
	files, err := databaseFiles(w.supabase.DataDir)
	if err != nil {
		return fmt.Errorf("reading the database's files: %w", err)
	}
	// A search of nothing finds nothing: what is no secret must be seen.
	log := string(logs)
	if len(leaking(map[string]string{"the account": w.instagramID}, files)) == 0 ||
		!strings.Contains(tables["public.user_configs"], w.instagramID) || !strings.Contains(log, w.instagramID) ||
		!strings.Contains(tables["public.instagram_events"], w.mid) || !strings.Contains(log, `"route":"webhook"`) {
		return errors.New("the search for secrets does not see the tables, their files or the logs")
	}
	outputs := append(slices.Clip(w.browser.responses), output{"the logs", logs})
	for name, rows := range tables {
		outputs = append(outputs, output{"table " + name, []byte(rows)})
	}
	secrets := w.secrets()
	if found := leaking(secrets, append(outputs, files...)); len(found) > 0 {
		return fmt.Errorf("secrets stand in clear in %s", strings.Join(found, ", "))
	}
	w.report("none of %d secrets in %d tables, %d database files, %d responses, the cookies and %d bytes of logs",
		len(secrets), len(tables), len(files), len(w.browser.responses), len(logs))
	return nil
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

// leaking returns the names of the outputs in which one of the secrets stands.
func leaking(secrets map[string]string, outputs []output) []string {
	search := leaks.NewSearch(secrets)
	var found []string
	for _, o := range outputs {
		if len(search.In(o.content)) > 0 {
			found = append(found, o.name)
		}
	}
	return found
}

// databaseFiles reads all files under dir: the heap, where a deleted row lives on, and the
// write-ahead log.
func databaseFiles(dir string) (found []output, err error) {
	files := os.DirFS(dir)
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		found = append(found, output{"database file " + name, content})
		return err
	})
	return found, err
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
