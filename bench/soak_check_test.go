package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"igconnect/internal/leaks"
)

// checkDatabase compares the database with what the functions said they did, and returns what does
// not fit.
func (s *soaking) checkDatabase(t *testing.T) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	query := func(sql string, args ...any) []map[string]any {
		rows, err := s.lite.SQL(t.Context(), sql, args...)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}

	// Every message of an acknowledged delivery is there once, and no other is.
	missing := maps.Clone(s.accepted)
	for _, row := range query("select payload->'message'->>'mid' as mid, count(*)::int as n from public.instagram_events where kind = 'message' group by 1") {
		mid, _ := row["mid"].(string)
		if row["n"] != 1.0 || !s.accepted[mid] {
			wrong("the message %q is in the inbox %v times", mid, row["n"])
		}
		delete(missing, mid)
	}
	if len(missing) > 0 {
		wrong("%d of %d acknowledged messages are not in the inbox", len(missing), len(s.accepted))
	}

	// Everybody who was told to be connected is one row, whose tokens Meta gave out.
	granted := s.sim.Load().Secrets()
	known := func(token any) bool { return slices.Contains(granted, fmt.Sprint(token)) }
	for _, account := range slices.Sorted(maps.Keys(s.connected)) {
		rows := query("select token, page_token, status from public.get_instagram_token($1)", account)
		if len(rows) != 1 || rows[0]["status"] != "active" || !known(rows[0]["token"]) || !known(rows[0]["page_token"]) {
			wrong("the account %s has %d rows, or one without its tokens", account, len(rows))
		}
	}

	// Vault holds what the rows name, and nothing else.
	vault := query(`
		with named as (
			select token_secret_id as id from public.user_configs where token_secret_id is not null
			union all
			select page_token_secret_id from public.user_configs where page_token_secret_id is not null)
		select (select count(*)::int from vault.secrets s where name like 'user_configs/%' and s.id not in (select id from named)) as orphans,
			(select count(*)::int from named where id not in (select id from vault.secrets)) as missing`)[0]
	if vault["orphans"] != 0.0 || vault["missing"] != 0.0 {
		wrong("Vault holds %v secrets of no row, and lacks %v", vault["orphans"], vault["missing"])
	}
	return problems
}

// checkLog: the functions logged, and no secret.
func (s *soaking) checkLog(t *testing.T) (problems []string) {
	logged, err := os.ReadFile(s.side.process.said.Name())
	if err != nil {
		t.Fatal(err)
	}
	if len(logged) == 0 {
		problems = append(problems, "the functions logged nothing")
	}
	secrets := leaks.Numbered("of Meta's", s.sim.Load().Secrets())
	maps.Copy(secrets, map[string]string{
		"FB_APP_SECRET": appSecret, "WEBHOOK_VERIFY_TOKEN": verifyToken, "CRON_SECRET": cronSecret, "SUPABASE_SECRET_KEY": s.lite.ServiceKey,
	})
	for _, leak := range leaks.Find(logged, secrets) {
		problems = append(problems, "in the log: "+leak.String())
	}
	return problems
}

// report prints what was done, what went wrong and how the process changed. It reports whether it
// stayed flat.
func (s *soaking) report(out io.Writer, samples []sample, problems []string) (flat bool) {
	fmt.Fprintf(out, "\nIn %v: %d connects, %d deliveries of %d events, %d runs of the renewal.\n\n",
		s.plan.length, s.done["connect"], s.done["delivery"], s.plan.events, s.done["renewal"])
	flat = reportTrends(out, samples)
	s.reportErrors(out)
	fmt.Fprintln(out)
	for _, problem := range problems {
		fmt.Fprintln(out, "Wrong in the database:", problem)
	}
	if len(problems) == 0 {
		fmt.Fprintf(out, "In the database: %d messages, each once; %d connections with their tokens; no secret of no row.\n", len(s.accepted), len(s.connected))
	}
	yes := map[bool]string{true: "yes", false: "NO"}
	fmt.Fprintf(out, "Flat: %s. No error but those ordered: %s. The database is right: %s.\n", yes[flat], yes[len(s.details) == 0], yes[len(problems) == 0])
	return flat
}

// reportErrors prints each error beside how often it was ordered.
func (s *soaking) reportErrors(out io.Writer) {
	fmt.Fprintf(out, "\nOrdered in each of %d rounds:\n", s.plan.faultRounds)
	for _, f := range soakFaults {
		fmt.Fprintf(out, "- %s; may show: %s\n", f.what, cmp.Or(f.shows, "nothing, it is tried again"))
	}
	fmt.Fprint(out, "\n| error | ordered | seen |\n|---|---:|---:|\n")
	kinds := maps.Clone(s.ordered)
	maps.Copy(kinds, s.seen)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(out, "| %s | %d | %d |\n", kind, s.ordered[kind], s.seen[kind])
	}
	for _, detail := range s.details[:min(10, len(s.details))] {
		fmt.Fprintln(out, "Not ordered:", detail)
	}
	if more := len(s.details) - 10; more > 0 {
		fmt.Fprintf(out, "and %d more\n", more)
	}
}

// sample is what the process looked like at one moment.
type sample struct {
	at         time.Duration // since the beginning
	goroutines float64
	memory     float64 // bytes
	files      float64
}

// sample looks at the process each second until ctx ends. What the simulators remember is
// forgotten along the way.
func (s *soaking) sample(ctx context.Context) (all []sample, err error) {
	begun := time.Now()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return all, nil
		case <-ticker.C:
		}
		s.sim.Load().Reset()
		s.proxy.Reset()
		now, err := s.side.look()
		if err != nil {
			return nil, s.side.process.explain(err)
		}
		now.at = time.Since(begun)
		all = append(all, now)
	}
}

func (s *side) look() (now sample, err error) {
	profile, err := s.debug("/debug/pprof/goroutine?debug=1")
	if err != nil {
		return now, err
	}
	if _, err := fmt.Sscanf(profile, "goroutine profile: total %f", &now.goroutines); err != nil {
		return now, fmt.Errorf("reading the profile: %w", err)
	}
	_, bytes, err := memoryOf(s.process.pid())
	if err != nil {
		return now, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.process.pid()))
	now.memory, now.files = float64(bytes), float64(len(files))
	return now, err
}

func reportTrends(out io.Writer, samples []sample) bool {
	fmt.Fprint(out, "| | first third | middle third | last third | most | a minute | flat |\n|---|---:|---:|---:|---:|---:|---|\n")
	all := true
	for _, line := range []struct {
		what      string
		value     func(sample) float64
		something float64
		format    string
	}{
		{"goroutines", func(s sample) float64 { return s.goroutines }, 10, "%.0f"},
		{"memory, MB", func(s sample) float64 { return s.memory / 1e6 }, 1, "%.1f"},
		{"open files", func(s sample) float64 { return s.files }, 10, "%.0f"},
	} {
		t := trendOf(samples, line.value)
		flat := t.flat(line.something)
		all = all && flat
		fmt.Fprintf(out, "| %s ", line.what)
		for _, v := range []float64{t.start, t.middle, t.end, t.most} {
			fmt.Fprintf(out, "| "+line.format+" ", v)
		}
		fmt.Fprintf(out, "| %+.1f | %s |\n", t.slope, map[bool]string{true: "yes", false: "no"}[flat])
	}
	return all
}

// trend is how one figure went, in thirds of the time.
type trend struct {
	start, middle, end float64 // medians of the thirds
	most               float64
	slope              float64 // per minute, over the last two thirds
}

func trendOf(all []sample, value func(sample) float64) trend {
	values := make([]float64, len(all))
	for i, s := range all {
		values[i] = value(s)
	}
	third := len(all) / 3
	return trend{
		start: median(values[:third]), middle: median(values[third : 2*third]), end: median(values[2*third:]),
		most: slices.Max(values), slope: slope(all[third:], values[third:]),
	}
}

// flat: the last third's median is at most a tenth and a little something above the middle
// third's. The first third does not count: there the heap and the connections find their size.
func (t trend) flat(something float64) bool { return t.end <= 1.1*t.middle+something }

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// slope is that of the least-squares line, per minute.
func slope(all []sample, values []float64) float64 {
	var n, sumX, sumY, sumXX, sumXY float64
	for i, y := range values {
		x := all[i].at.Minutes()
		n, sumX, sumY, sumXX, sumXY = n+1, sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	return (n*sumXY - sumX*sumY) / (n*sumXX - sumX*sumX)
}

func TestTrend(t *testing.T) {
	for _, c := range []struct {
		name  string
		value func(second int) float64
		flat  bool
		slope float64 // a minute
	}{
		{"constant", func(int) float64 { return 50 }, true, 0},
		{"grows at first only", func(second int) float64 { return float64(10 + min(second, 20)) }, true, 0},
		{"grows all the time", func(second int) float64 { return float64(10 + second) }, false, 60},
		{"one peak", func(second int) float64 { return map[int]float64{80: 450}[second] + 50 }, true, 30.8},
	} {
		var all []sample
		for second := range 90 {
			all = append(all, sample{at: time.Duration(second) * time.Second, memory: c.value(second)})
		}
		got := trendOf(all, func(s sample) float64 { return s.memory })
		if got.flat(1) != c.flat || got.slope < c.slope-1 || got.slope > c.slope+1 {
			t.Errorf("%s: flat %v, %+v", c.name, got.flat(1), got)
		}
	}
}
