package faults_test

import (
	"net/http"
	"strings"
	"time"

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
