package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ownHosts lets only requests through that name this machine or the host of
// REDIRECT_URI. A page of another site could point its own name at 127.0.0.1
// and would then be of the same origin as our pages (DNS rebinding).
func (s *system) ownHosts(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.isOwnHost(r.Host) {
			http.Error(w, fmt.Sprintf("This server answers at %s only.", s.origin), http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// isOwnHost reports whether a Host header names this server, whatever the port.
func (s *system) isOwnHost(host string) bool {
	name := strings.ToLower((&url.URL{Host: host}).Hostname())
	switch name {
	case "":
		return false
	case "localhost", "127.0.0.1", "::1":
		return true
	}
	origin, err := url.Parse(s.origin)
	return err == nil && name == strings.ToLower(origin.Hostname())
}
