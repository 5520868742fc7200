package facebook_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"igconnect/lib/graph"

	"github.com/google/go-cmp/cmp"
)

// manyPages answers a list of n Pages, numbered from 1000, by 100: the cursor
// is the next one's number.
func manyPages(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.URL.Query().Get("after"))
		to := min(from+100, n)
		var pages []string
		for i := from; i < to; i++ {
			pages = append(pages, fmt.Sprintf(`{"id":"%d","access_token":"t"}`, 1000+i))
		}
		if to < n {
			says(listUpTo(strconv.Itoa(to), pages...))(w, r)
			return
		}
		says(list(pages...))(w, r)
	}
}

func TestManyPages(t *testing.T) {
	for n, lists := range map[int]int{0: 1, 1: 1, 100: 1, 101: 2, 250: 3} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			answers := person(routes{"GET /me/accounts": manyPages(n), debugLine: shares()})
			run(t, answers, func(t *testing.T, m *meta) {
				found, err := accounts(t, m)
				if err != nil {
					t.Fatal(err)
				}
				var want []string
				for i := range n {
					want = append(want, strconv.Itoa(1000+i))
				}
				if diff := cmp.Diff(want, pageIDs(found)); diff != "" {
					t.Error(diff)
				}
				if got := m.Count("GET /me/accounts"); got != lists {
					t.Errorf("%d lists, want %d", got, lists)
				}
			})
		})
	}
}

// TestListRequests: the cursor of the answer and nothing else of it; next
// leads to another host with the token in it, and the fake Meta would object.
func TestListRequests(t *testing.T) {
	answer := inTurn(says(listUpTo("a/b=&c", page901)), says(listUpTo("z", page903)), says(list()))
	run(t, person(routes{"GET /me/accounts": answer}), func(t *testing.T, m *meta) {
		if _, err := accounts(t, m); err != nil {
			t.Fatal(err)
		}
		var got []url.Values
		for _, w := range m.Got {
			if w.Line == "GET /me/accounts" {
				got = append(got, w.Query)
			}
		}
		query := func(after ...string) url.Values {
			q := url.Values{"fields": {wantPage}, "limit": {"100"}, "appsecret_proof": {userProof}}
			if after != nil {
				q["after"] = after
			}
			return q
		}
		if diff := cmp.Diff([]url.Values{query(), query("a/b=&c"), query("z")}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestListEnds(t *testing.T) {
	endlessList := func() http.HandlerFunc {
		n := 0
		return func(w http.ResponseWriter, r *http.Request) {
			n++
			says(listUpTo(strconv.Itoa(n), page901))(w, r)
		}
	}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		lists  int
		fails  bool
	}{
		{"a cursor on the last list", says(list(page901)), 1, false},
		{"next without a cursor", says(`{"data":[` + page901 + `],"paging":{"next":"https://elsewhere.test/?after=x"}}`), 1, false},
		{"no paging", says(`{"data":[` + page901 + `]}`), 1, false},
		{"the same cursor again", says(listUpTo("x", page901)), 2, false},
		{"an empty list amid", inTurn(says(listUpTo("x")), says(list(page901))), 2, false},
		{"500 once amid", inTurn(says(listUpTo("x", page901)), status(500, ""), says(list())), 3, false},
		{"refused amid", inTurn(says(listUpTo("x", page901)), refuses(190, 463, "expired")), 2, true},
		{"without end", endlessList(), 100, true},
		{"in a circle", func(w http.ResponseWriter, r *http.Request) {
			cursor := map[string]string{"": "a", "a": "b", "b": "a"}[r.URL.Query().Get("after")]
			says(listUpTo(cursor, page901))(w, r)
		}, 100, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, person(routes{"GET /me/accounts": c.answer, debugLine: shares()}), func(t *testing.T, m *meta) {
				found, err := accounts(t, m)
				if got := m.Count("GET /me/accounts"); got != c.lists {
					t.Errorf("%d lists, want %d", got, c.lists)
				}
				if (err != nil) != c.fails {
					t.Errorf("err = %v", err)
				}
				if ids := pageIDs(found); !c.fails && !slices.Equal(ids, []string{"901"}) {
					t.Errorf("Pages %v, want 901 once", ids)
				}
			})
		})
	}
}

// TestPages: which Pages come out of the list and of what the token names.
func TestPages(t *testing.T) {
	const bare901 = `{"id":901,"name":"Ceramics"}`
	for _, c := range []struct {
		name    string
		changes routes
		want    []graph.Page
		skipped int
	}{
		{"listed and unlisted", nil, []graph.Page{foundCeramics, foundBooks}, 0},
		{"unlisted alone", routes{"GET /me/accounts": says(list()), debugLine: shares("902")}, []graph.Page{foundBooks}, 0},
		{"unlisted in the order of the token", routes{"GET /me/accounts": says(list()), debugLine: shares("903", "902", "901"),
			"GET /901": says(page901), "GET /903": says(page903)}, []graph.Page{foundBlog, foundBooks, foundCeramics}, 0},
		{"listed twice, the token first", routes{"GET /me/accounts": says(list(page901, bare901)), debugLine: shares()}, []graph.Page{foundCeramics}, 0},
		{"listed twice, the token last", routes{"GET /me/accounts": says(list(bare901, page901)), debugLine: shares()}, []graph.Page{foundCeramics}, 0},
		{"an unlisted one is gone", routes{"GET /902": refuses(100, 33, "Unsupported get request.")}, []graph.Page{foundCeramics}, 1},
		{"an unlisted one is down", routes{"GET /902": status(500, "")}, []graph.Page{foundCeramics}, 1},
		{"an unlisted one is another", routes{"GET /902": says(page903)}, []graph.Page{foundCeramics}, 1},
		{"an unlisted one is empty", routes{"GET /902": says(`{}`)}, []graph.Page{foundCeramics}, 1},
		{"without an account", routes{"GET /me/accounts": says(list(page903)), debugLine: shares()}, []graph.Page{foundBlog}, 0},
		{"null for an account", routes{"GET /me/accounts": says(list(`{"id":"903","name":"Blog","access_token":"token-903","tasks":null,"instagram_business_account":null}`)),
			debugLine: shares()}, []graph.Page{foundBlog}, 0},
		{"an account without id", routes{"GET /me/accounts": says(list(`{"id":"903","name":"Blog","access_token":"token-903","instagram_business_account":{"username":"x"}}`)),
			debugLine: shares()}, []graph.Page{foundBlog}, 0},
		{"a personal account", routes{"GET /me/accounts": says(list(`{"id":"904","connected_instagram_account":{"id":"1","username":"ada"}}`)), debugLine: shares()},
			[]graph.Page{{ID: "904", Username: "ada"}}, 0},
		{"a personal account without a name", routes{"GET /me/accounts": says(list(`{"id":"904","connected_instagram_account":{"id":"17841009"}}`)), debugLine: shares()},
			[]graph.Page{{ID: "904", Username: "17841009"}}, 0},
		{"a professional account is not personal", routes{"GET /me/accounts": says(list(
			`{"id":"904","instagram_business_account":{"id":"1","username":"shop"},"connected_instagram_account":{"id":"1","username":"shop"}}`)), debugLine: shares()},
			[]graph.Page{{ID: "904", InstagramID: "1", Username: "shop"}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, person(c.changes), func(t *testing.T, m *meta) {
				found, err := accounts(t, m)
				if err != nil {
					t.Fatal(err)
				}
				got, want := graph.Found{Pages: found.Pages, Accounts: found.Accounts}, graph.Found{Pages: c.want, Accounts: accountsOf(c.want)}
				if diff := cmp.Diff(want, got, bySecret); diff != "" {
					t.Error(diff)
				}
				if len(found.Skipped) != c.skipped {
					t.Errorf("skipped %v", found.Skipped)
				}
			})
		})
	}
}

// TestPageWithoutID: nothing can be done with it, and its path would be another.
func TestPageWithoutID(t *testing.T) {
	for name, entry := range map[string]string{"absent": `{"name":"x","instagram_business_account":{"id":"1"}}`, "null": `{"id":null}`, "a null entry": `null`} {
		t.Run(name, func(t *testing.T) {
			run(t, person(routes{"GET /me/accounts": says(list(page901, entry)), debugLine: shares()}), func(t *testing.T, m *meta) {
				found, err := accounts(t, m)
				if err == nil && !slices.Equal(pageIDs(found), []string{"901"}) {
					t.Errorf("Pages %q", pageIDs(found))
				}
			})
		})
	}
}

// TestAccountOnce: an account that is linked to two Pages comes with the first.
func TestAccountOnce(t *testing.T) {
	linked := func(page, account string) string {
		return fmt.Sprintf(`{"id":%q,"instagram_business_account":{"id":%q}}`, page, account)
	}
	answers := routes{"GET /me/accounts": says(list(page903, linked("11", "1"), linked("12", "2"), linked("13", "1"))), debugLine: shares()}
	run(t, person(answers), func(t *testing.T, m *meta) {
		found, err := accounts(t, m)
		ids := []string{}
		for _, account := range found.Accounts {
			ids = append(ids, account.InstagramID+" of "+account.Page.ID)
		}
		if diff := cmp.Diff([]string{"1 of 11", "2 of 12"}, ids); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	})
}
