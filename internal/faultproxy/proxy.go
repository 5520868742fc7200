package faultproxy

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy stands in front of one upstream. It is a handler for any server; only where it listens by
// itself can its connections fail.
type Proxy struct {
	upstream string
	group    *Group
	target   http.Handler

	server    *http.Server // nil: it does not listen
	address   string
	listener  net.Listener
	authority *Authority
	distrust  atomic.Bool

	mu   sync.Mutex
	idle map[net.Conn]bool // connections on which no request is under way
}

// Proxy puts a proxy in front of target, under the name that its calls have in records and orders.
func (g *Group) Proxy(upstream string, target http.Handler) *Proxy {
	p := &Proxy{upstream: upstream, group: g, target: target, idle: map[net.Conn]bool{}}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.proxies = append(g.proxies, p)
	return p
}

// To passes requests on to the upstream at an address as http://127.0.0.1:54321. It panics where
// the address is none.
func To(address string) http.Handler {
	target, err := url.Parse(address)
	if err != nil {
		panic("faultproxy: " + err.Error())
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 256
	transport.IdleConnTimeout = 2 * time.Second // Node closes its own after five, and would meet a call with that
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway)
		},
	}
}

// ServeHTTP passes a call on and answers it, unless it meets a fault.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body)) // JSON has no grant_type
	record, latency, fault := p.group.begin(p.upstream, r, form)
	time.Sleep(latency)
	x := &exchange{w: w, r: r, proxy: p, record: record}
	switch {
	case fault == nil:
		x.send(x.real())
	case fault.Done:
		r.Header.Del("Accept-Encoding") // or the answer could not be changed
		fault.answers(x, x.real())
	default:
		fault.answers(x, answer{})
	}
}

// Listen serves the proxy on a loopback port of its own, until Group.Close, and returns its URL:
// over TLS and HTTP/2, as the real upstreams are, or without both where authority is nil.
func (p *Proxy) Listen(authority *Authority) (address string, err error) {
	p.authority = authority
	p.server = &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0), ConnState: p.track}
	scheme := "http://"
	if authority != nil {
		scheme = "https://"
		p.server.TLSConfig = &tls.Config{GetCertificate: p.certificate}
	}
	err = p.listen()
	return scheme + p.address, err
}

// ports counts up through those that systems do not hand out by themselves, and no proxy gets one
// that another had: a port that is closed must stay so.
var ports atomic.Int64

const firstPort, lastPort = 15000, 30000

// listen opens the port: the one that it had before, or the next free one.
func (p *Proxy) listen() error {
	ports.CompareAndSwap(0, rand.Int64N(lastPort-firstPort))
	for try := 1; ; try++ {
		address := p.address
		if address == "" {
			address = fmt.Sprintf("127.0.0.1:%d", firstPort+ports.Add(1)%(lastPort-firstPort))
		}
		listener, err := net.Listen("tcp", address)
		if err == nil {
			p.listener, p.address = listener, address
			if p.authority != nil {
				go p.server.ServeTLS(listener, "", "")
			} else {
				go p.server.Serve(listener)
			}
			return nil
		}
		if try == 20 {
			return err
		}
	}
}

func (p *Proxy) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if p.distrust.Load() {
		return &p.authority.stranger, nil
	}
	return &p.authority.trusted, nil
}

// track notes which connections wait for a request, new ones among them: a client may open one
// ahead.
func (p *Proxy) track(connection net.Conn, state http.ConnState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if state == http.StateNew || state == http.StateIdle {
		p.idle[connection] = true
	} else {
		delete(p.idle, connection)
	}
}

// refuse closes the port and the connections.
func (p *Proxy) refuse() {
	p.listener.Close()
	p.hangUp()
}

// distrustUs shows a certificate that nobody trusts. Only new connections see it, so the old ones
// end.
func (p *Proxy) distrustUs() {
	p.distrust.Store(true)
	p.hangUp()
}

// hangUp closes every connection: those with a request under way after its answer.
func (p *Proxy) hangUp() {
	p.server.SetKeepAlivesEnabled(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	for connection := range p.idle {
		connection.Close()
	}
}

func (p *Proxy) mend() error {
	p.server.SetKeepAlivesEnabled(true)
	if p.distrust.Swap(false) {
		return nil
	}
	return p.listen()
}

func (p *Proxy) close() {
	if p.server != nil {
		p.listener.Close()
		p.server.Close()
	}
}
