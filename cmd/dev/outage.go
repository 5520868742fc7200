package main

import (
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
)

// outage stands in front of Supabase and, while it is told to, answers every
// write itself, the way a gateway does whose database is gone.
type outage struct {
	proxy *httputil.ReverseProxy
	down  atomic.Bool
}

func newOutage(target string) (*outage, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	return &outage{proxy: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}}, nil
}

func (o *outage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.down.Load() && r.Method != http.MethodGet && strings.HasPrefix(r.URL.Path, "/rest/") {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		io.WriteString(w, "<html><h1>502 Bad Gateway</h1></html>")
		return
	}
	o.proxy.ServeHTTP(w, r)
}
