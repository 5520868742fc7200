package faults_test

import (
	"net/url"
	"strings"

	"github.com/google/uuid"

	"igconnect/internal/metasim"
)

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
	w.meta.Inject(metasim.Fault{Step: "subscribe", Code: 100, Message: "no such field"})
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

// renew is a run that has everything to do: the token ends soon, the Page's
// token is dead and its subscription gone.
func renew(w *world) (func() answer, func(answer) answer) {
	w.connect(50)
	w.meta.DropSubscription(w.page(1))
	w.sql("update public.user_configs set page_token = $2, checked_at = now() - interval '21 hours' where user_id = $1", w.user.ID, deadPageToken)
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
