package faultproxy_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/lib/health"
)

type (
	answer = deploytest.Answer
	act    = func() answer             // the flow itself
	retry  = func(first answer) answer // the next attempt after it
)

// flow is one thing that a function does, from a state in which it can be done.
type flow struct {
	name      string // of the function, and what is special
	limit     time.Duration
	settings  map[string]string
	person    func(*deployment) metasim.Person
	prepare   func(*deployment) (act, retry)
	done      func(*deployment, answer) bool // reports whether it went well
	label     func(answer) string            // names an answer that did not; nil: its error code
	healed    func(*deployment, answer) bool // reports whether the next attempt did; nil: done
	exclusive bool                           // takes from everybody's rows

	// only is a regular expression of the calls that other flows do not make, if not all are
	// meant. The next attempt goes on from there.
	only string
}

func (f flow) labelOf(d *deployment, a answer) string {
	switch {
	case f.done(d, a):
		return "ok"
	case f.label != nil:
		return f.label(a)
	}
	return a.Code()
}

// The limits are what vercel.json gives, but 25 seconds for a callback, as is promised, and 5 for a
// delivery: so long Meta waits.
var flows = []flow{
	{name: "login", limit: 10 * time.Second, person: withPages(1), prepare: repeat(func(d *deployment) act {
		return func() answer { return d.Get("/api/login") }
	}), done: func(_ *deployment, a answer) bool {
		return a.StatusCode == http.StatusFound && strings.Contains(a.Location(), "/dialog/oauth?")
	}},
	{name: "callback", limit: 25 * time.Second, person: withPages(1), prepare: comeBack(metasim.Approval{}), done: (*deployment).saved},
	{name: "callback, far Pages", limit: 25 * time.Second, person: farPages, settings: map[string]string{
		"FB_LOGIN_SCOPES": "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata,pages_messaging,business_management",
	}, prepare: func(d *deployment) (act, retry) {
		d.Choose(d.ComeBack(d.LogIn("", metasim.Approval{Pages: []string{d.pageID(9)}})), d.instagramID(9))
		return comeBack(metasim.Approval{Pages: []string{d.pageID(1), d.pageID(2), d.pageID(3)}})(d)
	}, done: func(_ *deployment, a answer) bool {
		return a.StatusCode == http.StatusSeeOther && strings.HasPrefix(a.Location(), "/api/choose?flow=")
	}},
	{name: "choose GET", limit: 25 * time.Second, person: withPages(1, 2), prepare: repeat(func(d *deployment) act {
		d.connect(1)
		chooser := d.Get(d.LogIn("", metasim.Approval{})).Location()
		return func() answer { return d.Get(chooser) }
	}), done: func(d *deployment, a answer) bool {
		return isOK(d, a) && strings.Contains(a.Body, d.instagramID(1)) && strings.Contains(a.Body, d.instagramID(2))
	}},
	{name: "choose POST", limit: 25 * time.Second, person: withPages(1, 2), prepare: choose, done: (*deployment).saved},
	{name: "accounts GET", limit: 30 * time.Second, person: withPages(1), prepare: repeat(func(d *deployment) act {
		d.connect(1)
		return func() answer { return d.Get("/api/accounts") }
	}), done: func(d *deployment, a answer) bool { return isOK(d, a) && strings.Contains(a.Body, d.instagramID(1)) }},
	{name: "accounts DELETE", limit: 30 * time.Second, person: withPages(1), prepare: repeat(func(d *deployment) act {
		d.connect(1)
		return func() answer {
			return d.Send("DELETE", "/api/accounts?instagram_id="+d.instagramID(1), map[string]string{"Origin": d.URL}, "")
		}
	}), done: func(_ *deployment, a answer) bool {
		return a.StatusCode == http.StatusNoContent
	}, healed: func(_ *deployment, a answer) bool {
		return a.StatusCode == http.StatusNoContent || a.Code() == "not_found"
	}},
	{name: "webhook", limit: 5 * time.Second, person: withPages(1), done: isOK, prepare: repeat(func(d *deployment) act {
		d.connect(1)
		return d.deliver("77001", "77002")
	})},
	{name: "renew", limit: 60 * time.Second, person: withPages(1), prepare: renew, exclusive: true, label: leftDue, done: leaves("")},
	{name: "renew, slowed down", limit: 60 * time.Second, person: withPages(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), prepare: slowedDown,
		exclusive: true, only: "supabase POST /rpc/release_connections", label: leftDue, done: leaves("still due"), healed: leaves("")},
	{name: "deauthorize", limit: 10 * time.Second, person: withPages(1), done: isOK, prepare: repeat(func(d *deployment) act {
		return d.callback("/api/deauthorize")
	})},
	{name: "deletion POST", limit: 10 * time.Second, person: withPages(1), done: (*deployment).confirmed, prepare: repeat(func(d *deployment) act {
		return d.callback("/api/deletion")
	})},
	{name: "deletion GET", limit: 10 * time.Second, person: withPages(1), done: (*deployment).confirmed, prepare: repeat(func(d *deployment) act {
		d.callback("/api/deletion")()
		return func() answer { return d.Get("/api/deletion?code=" + d.codes[0]) }
	})},
	{name: "health", limit: 30 * time.Second, person: withPages(1), done: isOK, label: failedChecks, prepare: repeat(func(d *deployment) act {
		d.Meta.SetAppSubscriptions(metasim.AppSubscription{Object: "instagram", CallbackURL: d.URL + "/api/webhook", Fields: []string{"messages"}})
		return func() answer {
			return d.Send("GET", "/api/health", map[string]string{"Authorization": "Bearer " + deploytest.CronSecret}, "")
		}
	})},
}

func isOK(_ *deployment, a answer) bool { return a.StatusCode == http.StatusOK }

// leftDue says what a renewal left; "" if nothing.
func leftDue(a answer) string {
	var run struct{ Checked, Renewed, Reconnect, Failed, Remaining int }
	switch {
	case a.StatusCode != http.StatusOK || json.Unmarshal([]byte(a.Body), &run) != nil:
		return a.Code()
	case run.Failed > 0 || run.Reconnect > 0 || run.Remaining > 0:
		return "still due"
	}
	return ""
}

// leaves reports whether a renewal left that.
func leaves(due string) func(*deployment, answer) bool {
	return func(_ *deployment, a answer) bool { return leftDue(a) == due }
}

func failedChecks(a answer) string {
	var report health.Report
	if json.Unmarshal([]byte(a.Body), &report) != nil {
		return a.Code()
	}
	var names []string
	for _, check := range report.Checks {
		if !check.OK && !check.Warning {
			names = append(names, check.Name)
		}
	}
	return "check " + strings.Join(names, ", ")
}

func withPages(numbers ...int) func(*deployment) metasim.Person {
	return func(d *deployment) metasim.Person {
		person := metasim.Person{ID: d.personID(), Name: "Ada"}
		for _, n := range numbers {
			person.Pages = append(person.Pages, d.brand(n))
		}
		return person
	}
}

// farPages is somebody whose Pages are in every place where Pages can be.
func farPages(d *deployment) metasim.Person {
	person := withPages(1, 2, 3, 9)(d)
	person.Pages[2].Unlisted = true
	person.Businesses = []metasim.Business{{
		ID: "3" + d.number, Name: "A business", Owned: []metasim.Page{d.brand(4)}, Client: []metasim.Page{d.brand(5)},
	}}
	return person
}

// repeat is a flow whose next attempt is the same again.
func repeat(prepare func(*deployment) act) func(*deployment) (act, retry) {
	return func(d *deployment) (act, retry) {
		act := prepare(d)
		return act, func(answer) answer { return act() }
	}
}

// comeBack is a callback. The next attempt is what the page offers: to save once more, or a new
// login.
func comeBack(approval metasim.Approval) func(*deployment) (act, retry) {
	return func(d *deployment) (act, retry) {
		callback := d.LogIn("", approval)
		act := func() answer { return d.Get(callback) }
		return act, func(first answer) answer {
			if first.Code() != "" && strings.Contains(first.Body, `action="/api/choose"`) {
				return d.Choose(first)
			}
			return d.Get(d.LogIn("", approval))
		}
	}
}

// choose is a choice of two accounts that were connected before, whose Pages Meta does not want to
// subscribe now.
func choose(d *deployment) (act, retry) {
	d.connect(30)
	d.Meta.Inject(metasim.Fault{Step: "subscribe", Code: 100, Message: "no such field"})
	shown := d.Connect()
	return func() answer { return d.Choose(shown) }, func(first answer) answer {
		switch {
		case d.saved(first):
			return d.Choose(d.Connect())
		case strings.Contains(first.Body, `action="/api/choose"`):
			return d.Choose(first)
		}
		return d.Choose(shown)
	}
}

// renew is a run that has everything to do: the token ends soon, the Page's token is dead and its
// subscription gone.
func renew(d *deployment) (act, retry) {
	d.connect(50)
	d.Meta.DropSubscription(d.pageID(1))
	d.SQL("update public.user_configs set page_token = $2, checked_at = now() - interval '21 hours' where user_id = $1", d.User, deadPageToken)
	return d.Renew, func(answer) answer {
		d.endLeases()
		return d.Renew()
	}
}

// slowedDown is a run that Meta's limits end before all is checked: the rest is given back at once.
// The next one has no limits.
func slowedDown(d *deployment) (act, retry) {
	d.connect(1)
	d.SQL("update public.user_configs set checked_at = now() - interval '21 hours' where user_id = $1", d.User)
	d.Meta.SetUsage(95)
	return d.Renew, func(answer) answer {
		d.Meta.SetUsage(0)
		d.endLeases()
		return d.Renew()
	}
}
