package graph_test

import (
	"net/http"
	"testing"

	"igconnect/lib/graph"
)

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		name, app, business string
		want                int
	}{
		{"neither", "", "", 0},
		{"the app's calls", `{"call_count":91,"total_time":25,"total_cputime":25}`, "", 91},
		{"the app's time", `{"call_count":1,"total_time":92,"total_cputime":25}`, "", 92},
		{"the app's CPU", `{"call_count":1,"total_time":2,"total_cputime":93}`, "", 93},
		{"over the limit", `{"call_count":145}`, "", 145},
		{"absurd", `{"call_count":1e300}`, "", 1000},
		{"a fraction", `{"call_count":28.5}`, "", 28},
		{"a business's", "", `{"17841":[{"type":"instagram","call_count":94,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0}]}`, 94},
		{"the fullest of several", `{"call_count":50}`, `{"1":[{"call_count":3},{"total_time":95}],"2":[{"total_cputime":60}]}`, 95},
		{"none of the businesses", "", `{}`, 0},
		{"not JSON", `call_count=99`, `99`, 0},
		{"one of them broken", `{"call_count":96}`, `{"1":`, 96},
		{"null", `null`, `null`, 0},
		{"negative", `{"call_count":-5}`, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := http.Header{}
			if c.app != "" {
				header.Set("X-App-Usage", c.app)
			}
			if c.business != "" {
				header.Set("X-Business-Use-Case-Usage", c.business)
			}
			if got := graph.Usage(header); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

// Every answer shows its headers, refusals too: they carry the limits.
func TestSeen(t *testing.T) {
	with := func(usage string, next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-App-Usage", `{"call_count":`+usage+`}`)
			next(w, r)
		}
	}
	run(t, routes{"GET /debug_token": inTurn(
		with("1", status(500, "")), with("2", says(goodDebug)), with("3", refuses(4, 0, "slow down")),
	)}, func(t *testing.T, m *meta) {
		var seen []int
		m.Seen = func(header http.Header) { seen = append(seen, graph.Usage(header)) }
		if _, err := m.Debug(t.Context(), user); err != nil {
			t.Error(err)
		}
		_, err := m.Debug(t.Context(), user)
		failureOf(t, err, graph.Throttled)
		if len(seen) != 3 || seen[0] != 1 || seen[1] != 2 || seen[2] != 3 {
			t.Errorf("%v", seen)
		}
	})
}
