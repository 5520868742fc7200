package faults_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"igconnect/internal/metasim"
)

// flow is one thing that a function does, from a state of the world in which it
// can be done.
type flow struct {
	name        string // of the function, and what is special
	limit       time.Duration
	environment map[string]string
	person      func(*world) metasim.Person
	// prepare returns the flow itself, and the next attempt after first.
	prepare   func(*world) (act func() answer, again func(first answer) answer)
	done      func(*world, answer) bool
	label     func(answer) string       // what an answer that is not done is called; nil: its error code
	healed    func(*world, answer) bool // whether the next attempt is as it should be; nil: done
	exclusive bool                      // takes from everybody's rows
	only      string                    // a regular expression: the calls that other flows do not make; the next attempt goes on from there
}

// The limits are what vercel.json gives, but 25 seconds for a callback, as is
// promised, and 5 for a delivery: so long Meta waits.
var flows = []flow{
	{
		name: "login", limit: 10 * time.Second, person: withPages(1),
		prepare: func(w *world) (func() answer, func(answer) answer) {
			return repeated(func() answer { return w.get("/api/login") })
		},
		done: func(_ *world, a answer) bool {
			return a.StatusCode == http.StatusFound && strings.Contains(a.Header.Get("Location"), "/dialog/oauth?")
		},
	},
	{name: "callback", limit: 25 * time.Second, person: withPages(1), prepare: comeBack(metasim.Approval{}), done: saved},
	{
		name: "callback, far Pages", limit: 25 * time.Second, person: farPages,
		environment: map[string]string{
			"FB_LOGIN_SCOPES": "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata,pages_messaging,business_management",
		},
		prepare: func(w *world) (func() answer, func(answer) answer) {
			w.submit(w.get(w.approve(metasim.Approval{Pages: []string{w.page(9)}})), w.instagram(9))
			return comeBack(metasim.Approval{Pages: []string{w.page(1), w.page(2), w.page(3)}})(w)
		},
		done: func(w *world, a answer) bool {
			return a.StatusCode == http.StatusOK && strings.Contains(a.body, w.instagram(1)) && strings.Contains(a.body, w.instagram(2))
		},
	},
	{name: "choose", limit: 25 * time.Second, person: withPages(1, 2), prepare: choose, done: saved},
	{
		name: "accounts GET", limit: 30 * time.Second, person: withPages(1),
		prepare: func(w *world) (func() answer, func(answer) answer) {
			w.connect(1)
			return repeated(func() answer { return w.get("/api/accounts") })
		},
		done: func(w *world, a answer) bool {
			return a.StatusCode == http.StatusOK && strings.Contains(a.body, w.instagram(1))
		},
	},
	{
		name: "accounts DELETE", limit: 30 * time.Second, person: withPages(1),
		prepare: func(w *world) (func() answer, func(answer) answer) {
			w.connect(1)
			return repeated(func() answer {
				return w.do("DELETE", "/api/accounts?instagram_id="+w.instagram(1), map[string]string{"Origin": w.process.url}, "")
			})
		},
		done:   func(_ *world, a answer) bool { return a.StatusCode == http.StatusNoContent },
		healed: func(_ *world, a answer) bool { return a.StatusCode == http.StatusNoContent || a.code() == "not_found" },
	},
	{
		name: "webhook", limit: 5 * time.Second, person: withPages(1),
		prepare: func(w *world) (func() answer, func(answer) answer) {
			w.connect(1)
			body := w.meta.Delivery(w.instagram(1), metasim.Message("77001", w.instagram(1), "Hello"), metasim.Message("77002", w.instagram(1), "Good day"))
			return repeated(func() answer {
				return w.do("POST", "/api/webhook", map[string]string{"X-Hub-Signature-256": w.meta.Sign(body)}, string(body))
			})
		},
		done: func(_ *world, a answer) bool { return a.StatusCode == http.StatusOK },
	},
	{name: "renew", limit: 60 * time.Second, person: withPages(1), prepare: renew, done: func(_ *world, a answer) bool { return runOf(a) == "" }, label: runOf, exclusive: true},
	{
		name: "renew, slowed down", limit: 60 * time.Second, person: withPages(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), prepare: slowedDown, exclusive: true,
		only: "supabase POST /rpc/release_connections",
		done: func(_ *world, a answer) bool { return runOf(a) == "still due" }, label: runOf,
		healed: func(_ *world, a answer) bool { return runOf(a) == "" },
	},
	{
		name: "deauthorize", limit: 10 * time.Second, person: withPages(1),
		prepare: func(w *world) (func() answer, func(answer) answer) {
			return repeated(w.toldBy(w.signed(), "/api/deauthorize"))
		},
		done: func(_ *world, a answer) bool { return a.StatusCode == http.StatusOK },
	},
	{
		name: "deletion POST", limit: 10 * time.Second, person: withPages(1),
		prepare: func(w *world) (func() answer, func(answer) answer) {
			return repeated(w.toldBy(w.signed(), "/api/deletion"))
		},
		done: confirmed,
	},
	{
		name: "deletion GET", limit: 10 * time.Second, person: withPages(1),
		prepare: func(w *world) (func() answer, func(answer) answer) {
			w.toldBy(w.signed(), "/api/deletion")()
			return repeated(func() answer { return w.get("/api/deletion?code=" + w.codes[0]) })
		},
		done: confirmed,
	},
	{
		name: "health", limit: 30 * time.Second, person: withPages(1),
		prepare: func(w *world) (func() answer, func(answer) answer) {
			w.meta.SetAppSubscriptions(metasim.AppSubscription{Object: "instagram", CallbackURL: w.process.url + "/api/webhook", Fields: []string{"messages"}})
			return repeated(func() answer { return w.operate("/api/health") })
		},
		done: func(_ *world, a answer) bool { return a.StatusCode == http.StatusOK }, label: failedChecks,
	},
}

func withPages(numbers ...int) func(*world) metasim.Person {
	return func(w *world) metasim.Person {
		person := metasim.Person{ID: w.person(), Name: "Ada"}
		for _, n := range numbers {
			person.Pages = append(person.Pages, w.brand(n))
		}
		return person
	}
}

// farPages is somebody whose Pages are in every place where Pages can be.
func farPages(w *world) metasim.Person {
	person := withPages(1, 2, 3, 9)(w)
	person.Pages[2].Unlisted = true
	person.Businesses = []metasim.Business{{ID: "3" + w.number, Name: "A business", Owned: []metasim.Page{w.brand(4)}, Client: []metasim.Page{w.brand(5)}}}
	return person
}

// repeated is a flow whose next attempt is the same again.
func repeated(act func() answer) (func() answer, func(answer) answer) {
	return act, func(answer) answer { return act() }
}

// comeBack is a callback. The next attempt is what the page offers: to save
// once more, or a new login.
func comeBack(approval metasim.Approval) func(*world) (func() answer, func(answer) answer) {
	return func(w *world) (func() answer, func(answer) answer) {
		callback := w.approve(approval)
		act := func() answer { return w.get(callback) }
		return act, func(first answer) answer {
			if first.code() != "" && strings.Contains(first.body, `action="/api/choose"`) {
				return w.submit(first)
			}
			return w.get(w.approve(approval))
		}
	}
}

// choose is a choice of two accounts that were connected before, whose Pages
// Meta does not want to subscribe now.
func choose(w *world) (func() answer, func(answer) answer) {
	w.connect(30)
	w.meta.Order(metasim.Order{Step: "subscribe", Code: 100, Message: "no such field"})
	shown := w.get(w.approve(metasim.Approval{}))
	return func() answer { return w.submit(shown) }, func(first answer) answer {
		switch {
		case saved(w, first):
			return w.submit(w.get(w.approve(metasim.Approval{})))
		case strings.Contains(first.body, `action="/api/choose"`):
			return w.submit(first)
		}
		return w.submit(shown)
	}
}

func saved(w *world, a answer) bool {
	return a.StatusCode == http.StatusSeeOther && strings.Contains(a.Header.Get("Location"), "connected="+w.instagram(1))
}

// renew is a run that has everything to do: the token ends soon, the Page's
// token is dead and its subscription gone.
func renew(w *world) (func() answer, func(answer) answer) {
	w.connect(50)
	w.meta.DropSubscription(w.page(1))
	w.sql("update public.user_configs set page_token = 'a-token-of-the-Page-that-died', checked_at = now() - interval '21 hours' where user_id = $1", w.user.ID)
	act := func() answer { return w.operate("/api/renew") }
	return act, func(answer) answer {
		w.sql("update public.user_configs set leased_until = now() where user_id = $1 and leased_until is not null", w.user.ID) // tomorrow
		return act()
	}
}

// slowedDown is a run that Meta's limits end before all is checked: the rest is
// given back at once. The next one has no limits.
func slowedDown(w *world) (func() answer, func(answer) answer) {
	w.connect(1)
	w.sql("update public.user_configs set checked_at = now() - interval '21 hours' where user_id = $1", w.user.ID)
	w.meta.SetUsage(95)
	act := func() answer { return w.operate("/api/renew") }
	return act, func(answer) answer {
		w.meta.SetUsage(0)
		w.sql("update public.user_configs set leased_until = now() where user_id = $1 and leased_until is not null", w.user.ID)
		return act()
	}
}

// operate asks as cron and the operator do.
func (w *world) operate(path string) answer {
	return w.do("GET", path, map[string]string{"Authorization": "Bearer " + cronSecret}, "")
}

// runOf tells of a run what is still due; nothing if all went well.
func runOf(a answer) string {
	var run struct{ Checked, Renewed, Reconnect, Failed, Remaining int }
	switch {
	case a.StatusCode != http.StatusOK || json.Unmarshal([]byte(a.body), &run) != nil:
		return a.code()
	case run.Failed > 0 || run.Reconnect > 0 || run.Remaining > 0:
		return "still due"
	}
	return ""
}

func failedChecks(a answer) string {
	var health struct {
		Checks []struct {
			Name string
			OK   bool
		}
	}
	if json.Unmarshal([]byte(a.body), &health) != nil {
		return a.code()
	}
	var names []string
	for _, check := range health.Checks {
		if !check.OK {
			names = append(names, check.Name)
		}
	}
	return "check " + strings.Join(names, ", ")
}

// signed is a signed_request about the person, who has connected an account and
// got a message there.
func (w *world) signed() string {
	w.connect(1)
	body := w.meta.Delivery(w.instagram(1), metasim.Message("77001", w.instagram(1), "Hello"))
	w.do("POST", "/api/webhook", map[string]string{"X-Hub-Signature-256": w.meta.Sign(body)}, string(body))
	request := w.meta.SignedRequest(w.person(), metasim.Signing{})
	w.codes = []string{uuid.NewSHA1(uuid.NameSpaceURL, []byte(request)).String()} // as lib/app/signed.go makes it
	return request
}

// toldBy is one of the calls that Meta makes about a person.
func (w *world) toldBy(signed, path string) func() answer {
	form := url.Values{"signed_request": {signed}}.Encode()
	return func() answer {
		return w.do("POST", path, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, form)
	}
}

func confirmed(w *world, a answer) bool {
	return a.StatusCode == http.StatusOK && strings.Contains(a.body, w.codes[0])
}
