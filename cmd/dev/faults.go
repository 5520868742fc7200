package main

import (
	"net/http"
	"strings"
	"time"

	"igconnect/internal/faultproxy"
	"igconnect/internal/metasim"
)

// fault is something that goes wrong on demand.
type fault struct {
	Name, Label string
	inject      func(*system)
}

var metaFaults = []fault{
	{"throttled", "Meta throttles the next look-up",
		meta(metasim.Fault{Step: "accounts", Times: 1, Code: 4, Message: "(#4) Application request limit reached"})},
	{"upgrade", "The next upgrade to a 60-day token fails",
		meta(metasim.Fault{Step: "upgrade", Times: 1, Code: 190, Subcode: 467, Message: "Error validating access token"})},
	{"html", "Meta answers the next look-up with an HTML page",
		meta(metasim.Fault{Step: "accounts", Times: 1, Status: http.StatusBadGateway, Body: new("<html>Sorry</html>"), ContentType: "text/html"})},
	{"hang", "Meta hangs at the next exchange", meta(metasim.Fault{Step: "exchange", Times: 1, Hang: true})},
	{"subscribe", "The next subscription is refused",
		meta(metasim.Fault{Step: "subscribe", Times: 1, Status: http.StatusForbidden, Code: 200, Message: "(#200) To subscribe to the messages field, one of these permissions is needed: pages_messaging"})},
	{"slow", "Every answer of Meta takes a second longer", func(s *system) { s.meta.SetLatency(time.Second) }},
}

var supabaseFaults = []fault{
	{"save", "Supabase takes no writes until all is well again", func(s *system) { s.proxy.Order(writesFail) }},
}

// What fails while the database is gone: all writes, or those that fill the inbox. A gateway
// answers.
var (
	writesFail = faultproxy.Order{Fault: databaseGone, Match: func(r *http.Request) bool {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions // a preflight
		return !reads && strings.HasPrefix(r.URL.Path, "/rest/")
	}}
	inboxFails   = faultproxy.Order{Fault: databaseGone, Match: faultproxy.Path("/rest/v1/rpc/ingest_instagram_events")}
	databaseGone = faultproxy.Instead(http.StatusBadGateway, "text/html", "<html><h1>502 Bad Gateway</h1></html>")
)

var noFault = fault{"none", "All is well again", func(s *system) {
	if s.meta != nil {
		s.meta.ClearFaults()
		s.meta.SetLatency(0)
	}
	s.proxy.Mend() // it opens no port
}}

func meta(f metasim.Fault) func(*system) { return func(s *system) { s.meta.Inject(f) } }

// faults lists what the simulators that run can be told to do.
func (s *system) faults() (all []fault) {
	if s.meta != nil {
		all = append(all, metaFaults...)
	}
	if s.supabase != nil {
		all = append(all, supabaseFaults...)
	}
	if len(all) > 0 {
		all = append(all, noFault)
	}
	return all
}

func (s *system) fault(name string) (fault, bool) {
	return find(s.faults(), func(f fault) bool { return f.Name == name })
}

// injectFault answers the form *Let something go wrong*.
func (s *system) injectFault(w http.ResponseWriter, r *http.Request) {
	f, ok := s.fault(r.PostFormValue("name"))
	if !ok {
		http.Error(w, "There is no such fault.", http.StatusBadRequest)
		return
	}
	f.inject(s)
	s.show(func(shown *forms) { shown.Used, shown.Injected = "faults", f.Label })
	http.Redirect(w, r, "/dev/#faults", http.StatusSeeOther)
}
