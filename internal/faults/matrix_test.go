package faults_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"igconnect/internal/faultproxy"
)

var only = flag.String("cell", "", "run only the cells of the fault matrix whose name, as \"callback / meta GET /me / cut\", has a match of this regular expression")

const (
	houseCount    = 4
	busyAtOnce    = 4  // worlds that use the processor
	waitingAtOnce = 40 // worlds that wait for a time limit
)

// matrix is one run of all flows with all faults.
type matrix struct {
	houses    []*house
	authority *faultproxy.Authority
	elsewhere *canary
	busy      chan struct{} // holds a value for each world that uses the processor
}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	authority, err := faultproxy.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return &matrix{houses: startHouses(t, houseCount), authority: authority, elsewhere: newCanary(t), busy: make(chan struct{}, busyAtOnce)}
}

// canary is a host that nobody may ever ask.
type canary struct {
	url   string
	asked atomic.Int64
}

func newCanary(t *testing.T) *canary {
	c := &canary{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { c.asked.Add(1) }))
	t.Cleanup(server.Close)
	c.url = server.URL + "/stolen"
	return c
}

// TestFaultMatrix runs every flow once undisturbed, and then once for every
// call that it made and every fault.
func TestFaultMatrix(t *testing.T) {
	begun := time.Now()
	m := newMatrix(t)
	scripts := m.record(t)
	cells := cellsOf(scripts)
	if *only != "" {
		expression := regexp.MustCompile(*only)
		cells = slices.DeleteFunc(cells, func(c *cell) bool { return !expression.MatchString(c.name()) })
	}
	if len(cells) == 0 {
		t.Fatal("no cell has that name")
	}
	m.runAll(t.Context(), cells)
	m.judge(t.Context(), cells)
	checkEndpoints(t, scripts)
	if *only == "" {
		checkExceptions(t, cells)
	}

	failed := 0
	for _, c := range cells {
		if len(c.problems) > 0 {
			failed++
			t.Errorf("%s:\n\t%s", c.name(), strings.Join(c.problems, "\n\t"))
		}
	}
	if n := m.elsewhere.asked.Load(); n > 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
	printTable(os.Stdout, scripts, cells)
	last := slices.MinFunc(cells, func(a, b *cell) int { return cmp.Compare(a.spare(), b.spare()) })
	fmt.Printf("%d cases, %d failed, %v; the least time to spare: %v of %v, %s\n",
		len(cells), failed, time.Since(begun).Round(time.Second), last.spare().Round(time.Millisecond), last.script.flow.limit, last.name())
}

// record runs every flow undisturbed.
func (m *matrix) record(t *testing.T) []*script {
	t.Helper()
	scripts := make([]*script, len(flows))
	errs := make([][]string, len(flows))
	var group sync.WaitGroup
	for i, f := range flows {
		scripts[i] = &script{flow: f}
		group.Go(func() {
			c := &cell{script: scripts[i], calls: []faultproxy.Call{{}}}
			m.run(t.Context(), m.houses[i%len(m.houses)], c)
			errs[i] = c.problems
		})
	}
	group.Wait()
	for i, problems := range errs {
		scripts[i].order()
		if len(problems) > 0 {
			t.Fatalf("%s undisturbed:\n\t%s", flows[i].name, strings.Join(problems, "\n\t"))
		}
	}
	return scripts
}

// runAll runs the cells: side by side those that wait for a time limit, a few
// at once those that use the processor, and one at a time in each house those
// that take whatever they find there.
func (m *matrix) runAll(ctx context.Context, cells []*cell) {
	var exclusive, waiting, quick []*cell
	for _, c := range cells {
		switch {
		case c.script.flow.exclusive && c.fault.Waits:
			exclusive = slices.Insert(exclusive, 0, c)
		case c.script.flow.exclusive:
			exclusive = append(exclusive, c)
		case c.fault.Waits:
			waiting = append(waiting, c)
		default:
			quick = append(quick, c)
		}
	}
	var group sync.WaitGroup
	for _, share := range []struct {
		cells   []*cell
		workers int
	}{{exclusive, len(m.houses)}, {waiting, waitingAtOnce}, {quick, busyAtOnce}} {
		queue := make(chan *cell, len(share.cells))
		for _, c := range share.cells {
			queue <- c
		}
		close(queue)
		for i := range share.workers {
			group.Go(func() {
				for c := range queue {
					m.run(ctx, m.houses[i%len(m.houses)], c)
				}
			})
		}
	}
	group.Wait()
}

// judge looks who was late. What ends after a time limit of ours has only half a
// second to spare in a delivery, and a starved machine can take that long to
// deliver the answer, so who was late plays again, alone.
func (m *matrix) judge(ctx context.Context, cells []*cell) {
	for _, c := range cells {
		if c.spare() <= 0 && len(c.problems) == 0 {
			fmt.Printf("%s was answered after %v, and plays again\n", c.name(), c.took)
			m.run(ctx, m.houses[0], c)
		}
		if c.spare() <= 0 {
			c.problem("answered after %v, the limit is %v", c.took, c.script.flow.limit)
		}
	}
}
