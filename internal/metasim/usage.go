package metasim

import (
	"fmt"
	"net/http"
)

// SetUsage puts X-App-Usage and X-Business-Use-Case-Usage, with that many
// percent of every limit used up, on every answer of the Graph API. 0, as in
// the beginning: neither. It throttles nothing; an Order with code 4 does.
func (s *Sim) SetUsage(percent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usage = percent
}

// MaxConcurrent returns the most calls of the Graph API that were in flight at
// the same time since Reset.
func (s *Sim) MaxConcurrent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.maxInFlight
}

// addUsage sets the headers that SetUsage asks for. The caller holds s.mu.
func (s *Sim) addUsage(c *call, h http.Header) {
	if s.usage == 0 || !c.route.graph() {
		return
	}
	regain := 0 // minutes
	if s.usage >= 100 {
		regain = 60
	}
	n := s.usage
	h.Set("X-App-Usage", fmt.Sprintf(`{"call_count":%d,"total_time":%d,"total_cputime":%d}`, n, n, n))
	h.Set("X-Business-Use-Case-Usage", fmt.Sprintf(
		`{%q:[{"type":"instagram","call_count":%d,"total_cputime":%d,"total_time":%d,"estimated_time_to_regain_access":%d}]}`,
		s.cfg.AppID, n, n, n, regain))
}
