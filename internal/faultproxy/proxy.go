package faultproxy

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
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

	ctx    context.Context // its end ends what hangs
	end    context.CancelFunc
	server http.Server // zero where it does not listen

	address   string
	listener  net.Listener
	authority *Authority  // nil: no TLS
	distrust  atomic.Bool // shows a certificate that nobody trusts

	mu   sync.Mutex
	idle map[net.Conn]bool // connections on which no request is under way
}

// Proxy puts a proxy in front of target, under the name that its calls have in records and orders.
func (g *Group) Proxy(upstream string, target http.Handler) *Proxy {
	p := &Proxy{upstream: upstream, group: g, target: target, idle: map[net.Conn]bool{}}
	p.ctx, p.end = context.WithCancel(context.Background())
	g.locked(func() { g.proxies = append(g.proxies, p) })
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
		Transport:    transport,
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}

// ServeHTTP passes a call on and answers it, unless it meets a fault.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		abort()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body) + "&" + r.URL.RawQuery) // JSON has no grant_type
	record, latency, fault := p.group.begin(p.upstream, r, form.Get("grant_type"))
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
	p.authority, p.server.Handler, p.server.ConnState = authority, p, p.track
	p.server.ErrorLog = log.New(io.Discard, "", 0)
	scheme := "http://"
	if authority != nil {
		scheme = "https://"
		p.server.TLSConfig = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if p.distrust.Load() {
				return &authority.stranger, nil
			}
			return &authority.trusted, nil
		}}
	}
	err = p.listen()
	return scheme + p.address, err
}

// ports counts up through those that systems do not hand out by themselves, and no proxy gets one
// that another had: a port that is closed must stay so.
var ports atomic.Int64

const firstPort, lastPort = 15000, 30000

// listen opens the port: the one that it had before, or the next free one.
func (p *Proxy) listen() (err error) {
	ports.CompareAndSwap(0, time.Now().UnixNano()%(lastPort-firstPort))
	for range 20 {
		address := cmp.Or(p.address, fmt.Sprintf("127.0.0.1:%d", firstPort+ports.Add(1)%(lastPort-firstPort)))
		if p.listener, err = net.Listen("tcp", address); err != nil {
			continue
		}
		p.address = address
		if p.authority != nil {
			go p.server.ServeTLS(p.listener, "", "")
		} else {
			go p.server.Serve(p.listener)
		}
		return nil
	}
	return err
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

// Authority has the certificates of proxies that listen with TLS.
type Authority struct {
	Root []byte // PEM: who trusts this trusts the proxies

	trusted  tls.Certificate // of 127.0.0.1; its own root
	stranger tls.Certificate // likewise, but in nobody's roots
}

// NewAuthority makes certificates that last a day.
func NewAuthority() (*Authority, error) {
	a := &Authority{}
	for _, certificate := range []*tls.Certificate{&a.trusted, &a.stranger} {
		public, private, _ := ed25519.GenerateKey(rand.Reader) // which never fails
		template := &x509.Certificate{
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		}
		raw, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
		if err != nil {
			return nil, fmt.Errorf("making a certificate: %w", err)
		}
		*certificate = tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: private}
	}
	a.Root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.trusted.Certificate[0]})
	return a, nil
}
