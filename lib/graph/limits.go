package graph

import (
	"encoding/json"
	"net/http"
	"time"
)

// load is how much of a limit is used, in percent.
type load struct {
	Calls   float64 `json:"call_count"`
	Time    float64 `json:"total_time"`
	CPU     float64 `json:"total_cputime"`
	Minutes int     `json:"estimated_time_to_regain_access"`
}

func (l load) percent() int { return int(min(max(l.Calls, l.Time, l.CPU), 1000)) }

// loads reads the two headers in which Meta tells of its limits: the app's, and
// those of each business.
// https://developers.facebook.com/docs/graph-api/overview/rate-limiting
func loads(header http.Header) []load {
	var (
		app        load
		businesses map[string][]load
		all        []load
	)
	if json.Unmarshal([]byte(header.Get("X-App-Usage")), &app) == nil {
		all = append(all, app)
	}
	if json.Unmarshal([]byte(header.Get("X-Business-Use-Case-Usage")), &businesses) == nil {
		for _, of := range businesses {
			all = append(all, of...)
		}
	}
	return all
}

// Usage is how much of the fullest of Meta's limits is used, in percent; 0 where
// an answer tells of none.
func Usage(header http.Header) int {
	fullest := 0
	for _, l := range loads(header) {
		fullest = max(fullest, l.percent())
	}
	return fullest
}

// regainAccess is the longest waiting time that Meta names, a day at most; 0
// when there is none.
func regainAccess(header http.Header) time.Duration {
	longest := 0
	for _, l := range loads(header) {
		longest = max(longest, min(l.Minutes, 24*60))
	}
	return time.Duration(longest) * time.Minute
}
