package store

import (
	"net/http"
	"testing"
	"time"
)

// A removal goes on step by step until nothing is left, its time is over or a step fails for good, and
// tells how many events it deleted by then. An error says that nothing, or no more, could be done.
func TestDeleteRemoved(t *testing.T) {
	t.Parallel()
	const hang, long = "", time.Hour
	for _, c := range []struct {
		name    string
		answers []string // the last one stays
		limit   time.Duration
		deleted int
		fails   bool
	}{
		{"nothing", []string{"0"}, long, 0, false},
		{"three steps", []string{"5000", "5000", "7", "0"}, long, 10_007, false},
		{"more than there is time for", []string{"5000"}, 3 * time.Second, 15_000, false},
		{"the last step hangs", []string{"5000", hang}, 3 * time.Second, 5000, false},
		{"the first step hangs", []string{hang}, 3 * time.Second, 0, true},
		{"the second step fails", []string{"5000", `{"code":"57014"}`}, long, 5000, true},
		{"not ours", []string{"5000", `"x"`}, long, 5000, true},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			tries := 0
			s := stubbed(t, newKey, func(r *http.Request) (*http.Response, error) {
				tries++
				body := c.answers[min(tries, len(c.answers))-1]
				takes := 990 * time.Millisecond
				if body == hang {
					takes = long
				}
				select {
				case <-r.Context().Done():
					return nil, r.Context().Err()
				case <-time.After(takes):
				}
				if body[0] == '{' {
					return answer(500, body), nil
				}
				return answer(200, body), nil
			})
			begun := time.Now()
			deleted, err := s.DeleteRemoved(t.Context(), c.limit)
			if took := time.Since(begun); deleted != c.deleted || (err != nil) != c.fails || took > c.limit {
				t.Errorf("%d deleted after %v, %v", deleted, took, err)
			}
			checkSilent(t, err)
		})
	}
}
