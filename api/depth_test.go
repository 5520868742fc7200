package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
)

// latency of each call is long enough for those side by side to begin in, on a
// machine that runs other tests at the same time.
const latency = 150 * time.Millisecond

// interval is one upstream call as the upstream saw it.
type interval struct {
	step       string
	start, end time.Time
}

// since are the calls to Meta and to Supabase that came after a moment.
func (d deployment) since(moment time.Time) []interval {
	var calls []interval
	for _, r := range d.Meta.Requests() {
		calls = append(calls, interval{r.Step, r.Start, r.End})
	}
	for _, r := range d.Supabase.Requests() {
		calls = append(calls, interval{r.Step, r.Start, r.End})
	}
	return slices.DeleteFunc(calls, func(i interval) bool { return i.start.Before(moment) })
}

// depth is the length of the longest chain of calls in which each began after
// the one before it had ended: the round trips that a person waits for.
func depth(calls []interval) int {
	slices.SortFunc(calls, func(a, b interval) int { return a.end.Compare(b.end) })
	chain := make([]int, len(calls))
	longest := 0
	for i, call := range calls {
		for j := range i {
			if !calls[j].end.After(call.start) {
				chain[i] = max(chain[i], chain[j])
			}
		}
		chain[i]++
		longest = max(longest, chain[i])
	}
	return longest
}

func TestDepth(t *testing.T) {
	t.Parallel()
	at := func(start, end int) interval {
		return interval{"", time.UnixMilli(int64(start)), time.UnixMilli(int64(end))}
	}
	for _, c := range []struct {
		name  string
		calls []interval
		want  int
	}{
		{"none", nil, 0},
		{"one after the other", []interval{at(0, 1), at(1, 2), at(3, 4)}, 3},
		{"side by side", []interval{at(0, 5), at(1, 5), at(2, 5)}, 1},
		{"two beside one", []interval{at(0, 9), at(0, 2), at(3, 5), at(6, 8)}, 3},
	} {
		if got := depth(c.calls); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, calls string
		depth       int
		faults      []metasim.Fault
	}{
		{"as usual", "accounts debug_token exchange list me permissions save subscribe upgrade", 4, nil},
		{"a subscription that comes out differently", "accounts debug_token exchange list me patch permissions save subscribe upgrade", 5, []metasim.Fault{{Step: "subscribe", Code: 100}}},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, brand(1))
			d.Meta.SetLatency(latency)
			d.Supabase.SetLatency(latency)
			for _, fault := range c.faults {
				d.Meta.Inject(fault)
			}
			callback := d.LogIn("", metasim.Approval{})
			begun := time.Now()
			d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/?connected="+instagramID(1))

			calls := d.since(begun)
			var steps []string
			for _, call := range calls {
				steps = append(steps, call.step)
			}
			slices.Sort(steps)
			if got := strings.Join(steps, " "); got != c.calls {
				t.Errorf("calls: %s", got)
			}
			t.Logf("%d round trips one after the other, of %d calls", depth(calls), len(calls))
			if got := depth(calls); got != c.depth {
				t.Errorf("%d round trips one after the other, want %d", got, c.depth)
			}
		})
	}
}

// 300 Pages on three list pages, and two more that only the token names.
func TestRoundTripsWithManyPages(t *testing.T) {
	t.Parallel()
	var pages []metasim.Page
	for n := 1; n <= 302; n++ {
		page := brand(n)
		page.Unlisted = n > 300
		pages = append(pages, page)
	}
	d := deploy(t, pages...)
	d.Meta.SetLatency(latency)
	d.Supabase.SetLatency(latency)
	callback := d.LogIn("", metasim.Approval{})
	begun := time.Now()
	chooser := d.Get(callback)
	if got := strings.Count(chooser.Body, `name="instagram_id"`); got != 302 {
		t.Errorf("%d accounts are offered", got)
	}
	if got := depth(d.since(begun)); got > 7 {
		t.Errorf("%d round trips one after the other", got)
	}
}

// In production the cookie is bound to the host and to https.
func TestCookieInProduction(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	d.Set("REDIRECT_URI", "https://app.example/api/auth/callback")
	got := d.Send("GET", "/api/login", map[string]string{"Host": "app.example"}, "")
	set := got.Header.Get("Set-Cookie")
	if !strings.HasPrefix(set, "__Host-igconnect_state_") || !strings.HasSuffix(set, "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("Set-Cookie: %s", set)
	}
}
