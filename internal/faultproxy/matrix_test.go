//go:debug x509usefallbackroots=1

package faultproxy_test

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"igconnect/internal/faultproxy"
	"igconnect/internal/leaks"
)

// authority has the certificates of the proxies in the matrix.
var authority *faultproxy.Authority

// TestMain has the process trust the authority alone: the functions know no setting for that.
func TestMain(m *testing.M) {
	var err error
	if authority, err = faultproxy.NewAuthority(); err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.Root)
	x509.SetFallbackRoots(roots)
	os.Exit(leaks.Main(m.Run))
}

const (
	serverCount = 3 // Supabase Lites
	busyAtOnce  = 3 // cells that use the processor, besides those of exclusive flows
)

// matrix is one run of all flows with all faults.
type matrix struct {
	servers   []*server
	alone     chan *server  // those on which no cell of an exclusive flow runs
	busy      chan struct{} // holds a value for each cell that uses the processor
	entered   atomic.Int64  // cells
	elsewhere string        // where a redirect leads
	followed  atomic.Int64  // redirects
}

func newMatrix(t *testing.T) *matrix {
	m := &matrix{servers: startServers(t, serverCount), busy: make(chan struct{}, busyAtOnce)}
	m.alone = make(chan *server, len(m.servers))
	for _, s := range m.servers {
		m.alone <- s
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { m.followed.Add(1) }))
	t.Cleanup(elsewhere.Close)
	m.elsewhere = elsewhere.URL + "/stolen"
	return m
}

// TestFaultMatrix runs every flow once undisturbed, and then once for every call that it made and
// every fault. To run some of the cells only:
//
//	go test ./internal/faultproxy -run 'TestFaultMatrix/callback$/meta_GET_/me$/cut'
func TestFaultMatrix(t *testing.T) {
	begun := time.Now()
	m := newMatrix(t)
	scripts := make([]*script, len(flows))
	var recorded, ended sync.WaitGroup
	recorded.Add(len(flows))
	for i, f := range flows {
		scripts[i] = &script{flow: f}
		ended.Go(func() {
			done := sync.OnceFunc(recorded.Done)
			defer done() // also where -run leaves the flow out
			t.Run(f.name, func(t *testing.T) {
				m.record(t, scripts[i])
				done()
				recorded.Wait() // what runs beside it would blur which calls come together
				m.runAll(t, scripts[i])
			})
		})
	}
	ended.Wait()

	var cells []*cell
	for _, s := range scripts {
		cells = append(cells, s.cells...)
	}
	all := len(cells)
	cells = slices.DeleteFunc(cells, func(c *cell) bool { return !c.ran })
	if len(cells) == 0 {
		t.Fatal("no cell has that name")
	}
	m.checkTimes(t, cells)
	if n := m.followed.Load(); n > 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
	if len(cells) == all && !slices.ContainsFunc(scripts, func(s *script) bool { return s.cells == nil }) {
		checkOperations(t, cells)
		checkExceptions(t, cells)
	}
	printTable(os.Stdout, scripts, cells)
	last := slices.MinFunc(cells, func(a, b *cell) int { return cmp.Compare(a.spare(), b.spare()) })
	fmt.Printf("%d cases in %v; the least time to spare: %v of %v, %s\n", len(cells),
		time.Since(begun).Round(time.Second), last.spare().Round(time.Millisecond), last.script.flow.limit, last.name())
}

// enter waits until a cell of the flow may run, and returns the server for it. An exclusive flow
// takes from everybody's rows, so that a server has one of its cells at a time.
func (m *matrix) enter(f flow) *server {
	if f.exclusive {
		return <-m.alone
	}
	m.busy <- struct{}{}
	return m.servers[m.entered.Add(1)%int64(len(m.servers))]
}

func (m *matrix) leave(f flow, s *server) {
	if f.exclusive {
		m.alone <- s
	} else {
		<-m.busy
	}
}

// runAll runs the cells of a flow, first those that wait for a time limit.
func (m *matrix) runAll(t *testing.T, s *script) {
	s.cells = s.makeCells()
	var group sync.WaitGroup
	for _, waits := range []bool{true, false} {
		for _, c := range s.cells {
			if c.fault.Waits == waits {
				on := m.enter(s.flow)
				group.Go(func() {
					defer m.leave(s.flow, on)
					c.failed = !t.Run(c.inFlow(), func(t *testing.T) { m.run(t, on, c) })
				})
			}
		}
	}
	group.Wait()
}

// checkTimes finds answers that were late. What ends by a time limit of ours has only half a second
// to spare in a delivery, and a starved machine can take that long to deliver the answer: a cell
// that was late runs again, alone.
func (m *matrix) checkTimes(t *testing.T, cells []*cell) {
	for _, c := range cells {
		if c.spare() <= 0 && !c.failed {
			fmt.Printf("%s was answered after %v, and runs again\n", c.name(), c.took)
			on := m.enter(c.script.flow)
			t.Run(c.name(), func(t *testing.T) { m.run(t, on, c) })
			m.leave(c.script.flow, on)
		}
		if c.spare() <= 0 {
			t.Errorf("%s: answered after %v, the limit is %v", c.name(), c.took, c.script.flow.limit)
		}
	}
}

// operation is how lib/ names what a call does, in its errors.
var operation = regexp.MustCompile(`(?:Op: |, )"([a-z]+ing\b[^"%:]*)"`)

// checkOperations finds calls in lib/ that fail in no cell, or whose failure no log tells of.
func checkOperations(t *testing.T, cells []*cell) {
	t.Helper()
	found := map[string]bool{}
	for _, pattern := range []string{"../../lib/graph/*.go", "../../lib/graph/*/*.go", "../../lib/store/*.go"} {
		files, _ := filepath.Glob(pattern) // the patterns are well formed
		for _, file := range slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") }) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range operation.FindAllStringSubmatch(string(source), -1) {
				found[match[1]] = true
			}
		}
	}
	for name := range found {
		if !slices.ContainsFunc(cells, func(c *cell) bool { return strings.Contains(c.log, name) }) {
			t.Errorf("no cell's log tells of a failure of %q", name)
		}
	}
	if len(found) < 31 {
		t.Errorf("only %d operations were found in lib/: they are written otherwise now", len(found))
	}
}

// run runs a cell's flow in a new deployment: with the fault, and then once more without it.
func (m *matrix) run(t *testing.T, on *server, c *cell) {
	f, s := c.script.flow, c.script.states
	d := m.deploy(t, on, f)
	act, again := f.prepare(d)
	before := d.state()
	d.Faults.Reset()
	d.Faults.Order(faultproxy.Order{Call: c.calls[0], Fault: c.fault, After: c.after})
	if c.fault.OfConnection() {
		time.Sleep(50 * time.Millisecond) // until the clients see that idle connections are closed
	}
	first := m.time(c, act)
	asked, hits := d.Faults.Records(), d.Faults.Hits()
	if err := d.Faults.Mend(); err != nil {
		t.Fatal(err)
	}
	c.ran, c.log = true, d.Watch.Log()
	defer func() {
		if t.Failed() {
			t.Log(d.Watch.Log())
		}
	}()

	// The right answer; checkTimes looks whether in time.
	c.label = f.labelOf(d, first)
	expected := wanted(f, c.fault, c.hit(asked), s)
	c.by = expected.by
	if c.label != expected.label {
		t.Errorf("answered %d %s, want %s", first.StatusCode, c.label, expected.label)
	}
	if c.label == "throttled" && first.Header.Get("Retry-After") == "" {
		t.Error("throttled, without Retry-After")
	}

	// By reason of the fault, and of nothing else.
	if before != s.before {
		t.Errorf("it began from another state:\n%s", before)
	}
	if !c.fault.OfConnection() && hits == 0 {
		t.Error("no call met the fault")
	}
	if cause := causes[c.fault.Name]; !strings.Contains(c.log, cause) {
		t.Errorf("the log does not tell of %q", cause)
	}

	// Nothing half saved.
	if after := d.state(); !slices.Contains(expected.states, after) {
		t.Errorf("the tables hold\n%s\nbut not one of\n%q", after, expected.states)
	}

	// The next attempt.
	healed := f.done
	if f.healed != nil {
		healed = f.healed
	}
	second := again(first)
	if !healed(d, second) {
		t.Errorf("the next attempt answered %d %s: %s", second.StatusCode, f.labelOf(d, second), second.Body)
	}
	if after := d.state(); after != s.complete && f.only == "" {
		t.Errorf("after the next attempt the tables hold\n%s\nwant\n%s", after, s.complete)
	}
	if panicked.MatchString(d.Watch.Log()) {
		t.Error("a panic")
	}
}

// time measures how long an answer takes. Where that waits for a time limit, another cell may use
// the processor meanwhile.
func (m *matrix) time(c *cell, act act) answer {
	if c.fault.Waits && !c.script.flow.exclusive {
		<-m.busy
		defer func() { m.busy <- struct{}{} }()
	}
	begun := time.Now()
	a := act()
	c.took = time.Since(begun)
	return a
}

// panicked finds a panic in a log.
var panicked = regexp.MustCompile(`panic|"stack"|goroutine \d`)

// causes stand in the log where a connection really failed.
var causes = map[string]string{"refused": "connection refused", "TLS": "x509: certificate signed by unknown authority"}
