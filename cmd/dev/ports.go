package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"
)

// addresses say where each part is: as host:port where it listens, as http://host:port where it is
// asked. What is real, or on a port that is not known yet, has none.
type addresses struct{ main, supabase, meta string }

// urls is how a browser names the addresses.
func (o options) urls() (at addresses, err error) {
	if at.main, err = urlOf(o.at.main); err != nil {
		return at, err
	}
	if !o.env.realSupabase() {
		if at.supabase, err = urlOf(o.at.supabase); err != nil {
			return at, err
		}
	}
	if !o.env.realMeta() {
		at.meta, err = urlOf(o.at.meta)
	}
	return at, err
}

func urlOf(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("the address %q is not of the form host:port", addr)
	}
	if port == "0" {
		return "", nil
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// listeners are the ports of this machine that the system has; nil where the service is a real one.
type listeners struct{ main, supabase, meta net.Listener }

// listen takes the ports of what is not real, and returns how a browser names them.
func (s *system) listen(o options) (taken listeners, at addresses, err error) {
	for _, port := range []struct {
		wanted   bool
		listener *net.Listener
		addr     *string
		flag     string
		holders  string // who else likes this port
	}{
		{true, &taken.main, &o.at.main, "-addr", "the dev server of an app"},
		{!o.env.realSupabase(), &taken.supabase, &o.at.supabase, "-supabase-addr",
			"the Supabase CLI's stack (npx supabase stop ends it)"},
		{!o.env.realMeta(), &taken.meta, &o.at.meta, "-meta-addr", "the dev server of an app"},
	} {
		if !port.wanted {
			continue
		}
		if *port.listener, err = listen(*port.addr, port.flag, port.holders); err != nil {
			return taken, at, err
		}
		s.onClose(func(context.Context) error { (*port.listener).Close(); return nil })
		host, _, _ := net.SplitHostPort(*port.addr) // which could be listened on
		_, number, _ := net.SplitHostPort((*port.listener).Addr().String())
		*port.addr = net.JoinHostPort(host, number)
	}
	at, err = o.urls()
	return taken, at, err
}

// listen takes addr; port 0 means any free one. An error names who could hold it and the flag that
// chooses another. Who answers at another address of the same name counts too, such as [::1] of
// localhost: a browser might ask that one.
func listen(addr, flag, holders string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the address %q is not of the form host:port", addr)
	}
	var l net.Listener
	if conn, none := net.DialTimeout("tcp", addr, time.Second); none == nil {
		conn.Close()
		err = syscall.EADDRINUSE
	} else {
		l, err = net.Listen("tcp", addr)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		n, _ := strconv.Atoi(port)
		other := net.JoinHostPort(host, strconv.Itoa(n%65000+100))
		return nil, fmt.Errorf("port %d is taken, perhaps by %s or another igconnect: stop that, or choose another port "+
			"with %s %s", n, holders, flag, other)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	return l, nil
}
