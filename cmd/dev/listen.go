package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// listener is a port of this machine and how a browser names it.
type listener struct {
	net.Listener
	url string // http://localhost:3000
}

// listen takes addr; port 0 means any free one.
func listen(addr string) (*listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the address %q is not of the form host:port", addr)
	}
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		n, _ := strconv.Atoi(port)
		next := net.JoinHostPort(host, strconv.Itoa(n+1))
		return nil, fmt.Errorf("port %d is taken: stop what runs there, or choose another with -addr %s", n, next)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return &listener{l, "http://" + net.JoinHostPort(host, port)}, nil
}

// serve runs an HTTP server on its own goroutine and reports on failed why it ended, unless it was
// closed.
func (s *system) serve(l *listener, h http.Handler) {
	srv := &http.Server{Handler: s.ownHosts(h), ReadHeaderTimeout: 10 * time.Second}
	s.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			return srv.Close()
		}
		return nil
	})
	go func() {
		if err := srv.Serve(l.Listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving %s: %w", l.url, err)
		}
	}()
}

// ownHosts lets only requests through that name this machine or the host of REDIRECT_URI. A page
// of another site could point its own name at 127.0.0.1 and would then be of the same origin as
// our pages (DNS rebinding).
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
	switch name := strings.ToLower((&url.URL{Host: host}).Hostname()); name {
	case "":
		return false
	case "localhost", "127.0.0.1", "::1":
		return true
	default:
		origin, err := url.Parse(s.origin)
		return err == nil && name == strings.ToLower(origin.Hostname())
	}
}
