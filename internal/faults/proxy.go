package faults

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy stands in front of one upstream, on a loopback port with https and
// HTTP/2, as the real ones have.
type Proxy struct {
	URL string

	upstream  string
	wire      *Wire
	target    http.Handler
	server    *http.Server
	address   string
	listener  net.Listener
	authority *Authority
	distrust  atomic.Bool

	mu   sync.Mutex
	idle map[net.Conn]bool // connections on which no request is under way
}

// NewProxy serves target, under the name that its calls have in the record.
func (w *Wire) NewProxy(upstream string, target http.Handler, authority *Authority) (*Proxy, error) {
	p := &Proxy{upstream: upstream, wire: w, target: target, authority: authority, idle: map[net.Conn]bool{}}
	p.server = &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0), ConnState: p.track,
		TLSConfig: &tls.Config{GetCertificate: p.certificate}}
	if err := p.listen(); err != nil {
		return nil, err
	}
	p.URL = "https://" + p.address
	w.proxies = append(w.proxies, p)
	return p, nil
}

// ports counts up through those that systems do not hand out by themselves, and
// no proxy gets one that another had: a port that is closed must stay so.
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
			go p.server.ServeTLS(listener, "", "")
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
	return &p.authority.leaf, nil
}

// track notes which connections wait for a request, new ones among them: a
// client may open one ahead.
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

// distrustUs shows a certificate that nobody vouches for. Only new connections
// see it, so the old ones end.
func (p *Proxy) distrustUs() {
	p.distrust.Store(true)
	p.hangUp()
}

// hangUp closes every connection: those with a request under way after its
// answer.
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
	p.listener.Close()
	p.server.Close()
}

// ServeHTTP passes a call on and answers it, unless it meets the fault.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body)) // JSON has no grant_type
	record, fault := p.wire.begin(p.upstream, r, form)
	x := &exchange{w: w, r: r, wire: p.wire, record: record, target: p.target}
	if fault != nil {
		fault.answers(x)
		return
	}
	a := x.real()
	time.Sleep(p.wire.Latency)
	x.send(a)
}
