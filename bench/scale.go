package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"igconnect/internal/scaledata"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/postgres"
	"igconnect/internal/vercelsim"
)

// scalePlan says how much is measured of how large tables.
type scalePlan struct {
	connections [2]int        // of the large and of the small tables; five times as many events
	only        string        // the steps whose name holds this
	turns       int           // of what can be measured again
	turn        time.Duration // of clients at once
	calls       int           // one after the other
}

var fullScale = scalePlan{connections: [2]int{200_000, 20_000}, turns: 5, turn: time.Second, calls: 20}

// measureScale measures each step at both sizes, in turns, and prints the table. It reports whether
// every goal was reached.
func measureScale(ctx context.Context, p scalePlan, out, progress io.Writer) (reached bool, err error) {
	var sizes [2]*database
	for i, n := range p.connections {
		if sizes[i], err = newDatabase(ctx, p, n, progress); err != nil {
			return false, err
		}
		defer sizes[i].close()
	}
	var found []measuredStep
	reached = true
	for _, s := range steps {
		if !strings.Contains(s.name, p.only) {
			continue
		}
		fmt.Fprintln(progress, "Measuring:", s.name)
		values, err := s.inTurns(ctx, p, sizes)
		if err != nil { // the others are still of interest
			fmt.Fprintf(progress, "Not measured: %s: %v\n", s.name, err)
			reached = false
			continue
		}
		found = append(found, measuredStep{s, values})
	}
	fmt.Fprintln(progress, "Done")
	return reportScale(out, p, found) && reached, ctx.Err()
}

// inTurns measures a step at both sizes and returns the medians of its lines.
func (s step) inTurns(ctx context.Context, p scalePlan, sizes [2]*database) (values [2][]float64, err error) {
	var all [2][][]float64
	turns := map[bool]int{true: p.turns, false: 1}[s.again]
	for range turns {
		for i, d := range sizes {
			v, err := s.measure(ctx, d)
			if err != nil {
				return values, fmt.Errorf("%d connections: %w", d.connections, err)
			}
			all[i] = append(all[i], v)
		}
	}
	return [2][]float64{medians(all[0]), medians(all[1])}, nil
}

// measuredStep has a value for each line, of the large and of the small tables.
type measuredStep struct {
	step
	values [2][]float64
}

// medians are those of each line over the turns.
func medians(turns [][]float64) (all []float64) {
	for line := range turns[0] {
		var values []float64
		for _, turn := range turns {
			values = append(values, turn[line])
		}
		slices.Sort(values)
		all = append(all, values[len(values)/2])
	}
	return all
}

// database is a PostgreSQL of its own with the tables of one size.
type database struct {
	scalePlan
	connections int
	config      *pgx.ConnConfig // of a superuser
	admin       *pgx.Conn
	lite        *supalite.Server
	connected   atomic.Int64 // how many have connected since
	closers     []func()
}

// Of the connections that are there, one has a large inbox, a tenth of all events, and one a huge one,
// of eight tenths, both beside those of all others. Behind them stand users who have not connected yet.
const (
	largeInbox, hugeInbox = 1, 5
	ordinary              = 1200 // and those behind it
	spare                 = 80_000
)

func newDatabase(ctx context.Context, p scalePlan, connections int, progress io.Writer) (d *database, err error) {
	d = &database{scalePlan: p, connections: connections}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	server, err := postgres.Start(ctx)
	if err != nil {
		return d, err
	}
	d.closers = append(d.closers, server.Stop)
	root, err := vercelsim.FindRoot()
	if err != nil {
		return d, err
	}
	migrations := os.DirFS(filepath.Join(root, "supabase", "migrations"))
	if d.lite, err = supalite.Start(ctx, supalite.Options{DatabaseURL: server.URL, Progress: progress, Migrations: migrations}); err != nil {
		return d, err
	}
	d.closers = append(d.closers, func() { d.lite.Stop() })
	key, err := d.lite.SQL(ctx, "select current_setting('supalite.vault_key', true) as key")
	if err != nil {
		return d, err
	}
	if d.config, err = pgx.ParseConfig(server.URL); err != nil {
		return d, err
	}
	d.config.RuntimeParams["supalite.vault_key"] = fmt.Sprint(key[0]["key"])
	if d.admin, err = pgx.ConnectConfig(ctx, d.config); err != nil {
		return d, err
	}
	fmt.Fprintf(progress, "Loading %d connections and %d events\n", connections, 5*connections)
	half := connections / 2
	return d, errors.Join(errors.Join(inParallel(
		d.loads(ctx, scaledata.AddConnections, 0, half),
		d.loads(ctx, scaledata.AddConnections, half, connections),
		d.loads(ctx, scaledata.AddUsers, connections, connections+spare))...),
		errors.Join(inParallel(
			d.loads(ctx, scaledata.AddEvents, largeInbox, connections/2),
			d.loads(ctx, scaledata.AddEvents, hugeInbox, 4*connections))...),
		d.exec(ctx, "vacuum analyze"))
}

// loads adds something in a session of its own.
func (d *database) loads(ctx context.Context, add func(context.Context, *pgx.Conn, int, int) error, first, second int) func() error {
	return func() error {
		conn, err := d.as(ctx, "postgres", "")
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		return add(ctx, conn, first, second)
	}
}

// close ends everything, what was started last first.
func (d *database) close() {
	for _, end := range slices.Backward(d.closers) {
		end()
	}
}

// exec runs a statement as the superuser.
func (d *database) exec(ctx context.Context, statement string, args ...any) error {
	_, err := d.admin.Exec(ctx, statement, args...)
	return err
}

// as opens a session of a role; of a user of the app with his id.
func (d *database) as(ctx context.Context, role, user string) (*pgx.Conn, error) {
	config := d.config.Copy()
	config.RuntimeParams["role"] = role
	config.RuntimeParams["request.jwt.claims"] = fmt.Sprintf(`{"sub": %q}`, user)
	return pgx.ConnectConfig(ctx, config)
}

// group is some clients of a role who each call the same again and again, and what came of it.
type group struct {
	role string
	n    int
	call func(context.Context, *pgx.Conn) error

	mu     sync.Mutex
	took   time.Duration
	waits  []time.Duration // of each call
	failed map[string]int  // calls that PostgreSQL refused, by SQLSTATE
}

// second is how many calls succeeded in one.
func (g *group) second() float64 {
	done := len(g.waits)
	for _, n := range g.failed {
		done -= n
	}
	return float64(done) / g.took.Seconds()
}

// together opens a session for each client, and then has all of them call until meanwhile, which begins
// as they do, has returned. What PostgreSQL refuses is counted; any other failure ends it.
func (d *database) together(ctx context.Context, meanwhile func(context.Context) error, groups ...*group) error {
	var clients []func() error
	over, end := context.WithCancel(ctx)
	defer end()
	for _, g := range groups {
		g.failed = map[string]int{}
		for range g.n {
			session, err := d.as(ctx, g.role, "")
			if err != nil {
				return err
			}
			defer session.Close(ctx)
			clients = append(clients, func() (err error) {
				for err == nil && over.Err() == nil {
					err = g.calls(ctx, session)
				}
				end()
				return err
			})
		}
	}
	begin := time.Now()
	err := errors.Join(inParallel(append(clients, func() error {
		defer end()
		return meanwhile(over)
	})...)...)
	for _, g := range groups {
		g.took = time.Since(begin)
	}
	return err
}

// calls is one call of one client.
func (g *group) calls(ctx context.Context, session *pgx.Conn) error {
	begin := time.Now()
	err := g.call(ctx, session)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waits = append(g.waits, time.Since(begin))
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) {
		g.failed[refused.Code]++
		return nil
	}
	return err
}

// lasting does nothing for a while.
func lasting(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
		return nil
	}
}

// inParallel does all at the same time and returns their errors.
func inParallel(all ...func() error) []error {
	failed := make([]error, len(all))
	var wg sync.WaitGroup
	for i, do := range all {
		wg.Go(func() { failed[i] = do() })
	}
	wg.Wait()
	return failed
}
