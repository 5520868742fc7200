package main

import (
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
)

// outage stands in front of Supabase and, while it is told to, answers writes
// itself, the way a gateway does whose database is gone.
type outage struct {
	proxy *httputil.ReverseProxy
	down  atomic.Bool // every write
	inbox atomic.Bool // those that fill the inbox
}

func newOutage(target string) (*outage, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	return &outage{proxy: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}}, nil
}

func (o *outage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.hits(r) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		io.WriteString(w, "<html><h1>502 Bad Gateway</h1></html>")
		return
	}
	o.proxy.ServeHTTP(w, r)
}

// hits reports whether the request is lost.
func (o *outage) hits(r *http.Request) bool {
	if r.URL.Path == "/rest/v1/rpc/ingest_instagram_events" && o.inbox.Load() {
		return true
	}
	return r.Method != http.MethodGet && strings.HasPrefix(r.URL.Path, "/rest/") && o.down.Load()
}
