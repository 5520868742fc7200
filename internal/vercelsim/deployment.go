package vercelsim

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Deployment serves Public and Functions by Rules, as Vercel does.
type Deployment struct {
	Rules     Rules
	Functions map[string]http.HandlerFunc // by path: "/api/login" for api/login.go
	Public    fs.FS                       // the folder public/; nil: no files

	// OnPanic is told of a function's panic, which on Vercel ends the process; the request is then
	// answered with 500. Nil: the panic goes on.
	OnPanic func(v any)
}

// Open returns the deployment of the project in the folder root, with its vercel.json and public/.
// It refuses what Vercel would refuse, and an entry of functions that matches none of the given
// functions, or a rewrite or a cron job that leads nowhere.
func Open(root string, functions map[string]http.HandlerFunc) (*Deployment, error) {
	text, err := os.ReadFile(filepath.Join(root, "vercel.json"))
	if err != nil {
		return nil, err
	}
	rules, err := Load(text)
	if err != nil {
		return nil, err
	}
	public := filepath.Join(root, "public")
	if info, err := os.Stat(public); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no folder public in %s", root)
	}
	d := &Deployment{Rules: rules, Functions: functions, Public: os.DirFS(public)}
	return d, d.check()
}

// FindRoot returns the project's folder: the working directory or the nearest one above it that
// holds vercel.json.
func FindRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "vercel.json")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("there is no vercel.json here: run this in the project's folder")
		}
		dir = parent
	}
}

// check reports an entry of functions that matches no function, and a rewrite or a cron job to
// something that is not there.
func (d *Deployment) check() error {
	for _, entry := range d.Rules.durations {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(d.Functions)), entry.covers) {
			return fmt.Errorf("vercel.json: functions: %q matches no function", entry.files)
		}
	}
	for _, path := range d.Rules.crons {
		if d.Functions[path] == nil {
			return fmt.Errorf("vercel.json: crons: there is no function at %q", path)
		}
	}
	for _, w := range d.Rules.rewrites {
		if d.lookUp(w.path) == nil {
			return fmt.Errorf("vercel.json: rewrites: there is nothing at %q", w.path)
		}
	}
	return nil
}

// ServeHTTP answers one request. Existing files and functions win over rewrites. It never
// redirects: not to clean a path, not to add a slash, so that a path like //evil.example cannot
// turn into a redirect elsewhere.
func (d *Deployment) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID(time.Now())
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=0, must-revalidate")
	maps.Copy(h, d.Rules.headersFor(r.URL.Path))
	h.Set("X-Vercel-Id", id)

	serve, query := d.route(r.URL)
	if serve == nil {
		fail(w, http.StatusNotFound, "NOT_FOUND")
		return
	}
	in := r.Clone(r.Context())
	in.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: query}
	setForwarded(in, id)
	serve(w, in)
}

// route finds what answers u, and the query that it gets.
func (d *Deployment) route(u *url.URL) (serve http.HandlerFunc, rawQuery string) {
	if serve := d.lookUp(u.Path); serve != nil {
		return serve, u.RawQuery
	}
	for _, w := range d.Rules.rewrites {
		serve := d.lookUp(w.path)
		if serve == nil || !w.source.match(u.Path) {
			continue
		}
		if len(w.query) == 0 {
			return serve, u.RawQuery
		}
		query := u.Query()
		maps.Copy(query, w.query)
		return serve, query.Encode()
	}
	return nil, ""
}

// lookUp returns what stands at exactly this path, or nil.
func (d *Deployment) lookUp(urlPath string) http.HandlerFunc {
	if fn, ok := d.Functions[urlPath]; ok {
		return func(w http.ResponseWriter, r *http.Request) { d.call(w, r, fn, d.limit(urlPath)) }
	}
	if d.Public == nil {
		return nil
	}
	for _, file := range []string{urlPath, strings.TrimSuffix(urlPath, "/") + "/index.html"} {
		name := strings.TrimPrefix(file, "/")
		// ValidPath refuses "..", "." and empty elements, and with them "//".
		if !fs.ValidPath(name) {
			continue
		}
		if info, err := fs.Stat(d.Public, name); err == nil && info.Mode().IsRegular() {
			return func(w http.ResponseWriter, r *http.Request) { d.serveFile(w, r, name) }
		}
	}
	return nil
}

// contentTypes is explicit: Go's own table depends on the machine.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".gif":         "image/gif",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/vnd.microsoft.icon",
	".jpg":         "image/jpeg",
	".js":          "application/javascript; charset=utf-8",
	".json":        "application/json; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json; charset=utf-8",
	".webp":        "image/webp",
	".woff2":       "font/woff2",
	".xml":         "application/xml; charset=utf-8",
}

// serveFile serves a file of Public, with an entity tag.
func (d *Deployment) serveFile(w http.ResponseWriter, r *http.Request, name string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		fail(w, http.StatusMethodNotAllowed, "INVALID_REQUEST_METHOD")
		return
	}
	content, err := fs.ReadFile(d.Public, name)
	if err != nil {
		fail(w, http.StatusInternalServerError, "INTERNAL_STATIC_FILE_ERROR")
		return
	}
	sum, h := sha256.Sum256(content), w.Header()
	byName := contentTypes[strings.ToLower(path.Ext(name))]
	h.Set("Content-Type", cmp.Or(h.Get("Content-Type"), byName, "application/octet-stream"))
	h.Set("ETag", fmt.Sprintf(`"%x"`, sum[:16]))
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// limit is the maxDuration of the function at urlPath, or 0.
func (d *Deployment) limit(urlPath string) time.Duration {
	for _, entry := range d.Rules.durations {
		if entry.covers(urlPath) {
			return entry.limit
		}
	}
	return 0
}

func (d duration) covers(urlPath string) bool {
	ok, _ := path.Match(d.files, strings.TrimPrefix(urlPath, "/")+".go")
	return ok
}

// setForwarded puts on the headers that only the platform may set. The scheme is this server's.
func setForwarded(r *http.Request, id string) {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	for name, value := range map[string]string{
		"X-Forwarded-For": ip, "X-Real-Ip": ip, "X-Forwarded-Host": r.Host, "X-Forwarded-Proto": "http", "X-Vercel-Id": id,
	} {
		r.Header.Set(name, value)
	}
}

// requestID is made like Vercel's: region, a random part, milliseconds.
func requestID(now time.Time) string {
	var b [11]byte
	rand.Read(b[:]) // never fails
	s := hex.EncodeToString(b[:])
	return fmt.Sprintf("dev1::%s-%d-%s", s[:5], now.UnixMilli(), s[5:17])
}

// fail answers in the platform's own words.
func fail(w http.ResponseWriter, status int, code string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Vercel-Error", code)
	w.WriteHeader(status)
	fmt.Fprintf(w, "%s\n\n%s\n%s\n", http.StatusText(status), code, h.Get("X-Vercel-Id"))
}
