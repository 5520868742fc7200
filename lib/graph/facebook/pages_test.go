package facebook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/graph"
	"igconnect/lib/secret"
)

var (
	foundCeramics = graph.Page{ID: "901", Name: "Ceramics", HasToken: true, Tasks: []string{"MODERATE", "ADVERTISE"}, InstagramID: "17841001", Username: "ceramics"}
	foundBooks    = graph.Page{ID: "902", Name: "Books", HasToken: true, Tasks: []string{"MESSAGING"}, InstagramID: "17841002", Username: "books"}
	foundBlog     = graph.Page{ID: "903", Name: "Blog", HasToken: true}

	// bySecret lets cmp compare what hides its value.
	bySecret = cmp.Comparer(func(a, b secret.String) bool { return a.Reveal() == b.Reveal() })
)

// accountsOf are the accounts linked to the Pages.
func accountsOf(pages ...graph.Page) (linked []graph.Account) {
	for _, p := range pages {
		account := graph.Account{InstagramID: p.InstagramID, Username: p.Username, Fields: feed, Page: &p}
		if p.HasToken {
			account.Token = secret.New("token-" + p.ID)
		}
		if p.ID == "901" {
			account.Name, account.PictureURL = "Ceramics & Co", "https://cdn.test/1.jpg"
		}
		if p.InstagramID != "" {
			linked = append(linked, account)
		}
	}
	return linked
}

// listing is a person whose list is these Pages, and whose token names none.
func listing(pages ...string) routes {
	return person(routes{pagesLine: says(list(pages...)), debugLine: shares()})
}

// pageIDs are those that a Found holds, in its order.
func pageIDs(found graph.Found) (ids []string) {
	for _, p := range found.Pages {
		ids = append(ids, p.ID)
	}
	return ids
}

// TestPages: which Pages come out of the list, of the person's businesses and of what
// the token names, in the same order each time, whatever answers first.
func TestPages(t *testing.T) {
	const bare901 = `{"id":901,"name":"Ceramics"}`
	three := []graph.Page{foundCeramics, foundBooks, foundBlog}
	for _, c := range []struct {
		name    string
		answers routes
		want    []graph.Page
		skipped int
	}{
		{"listed and unlisted", person(nil), three[:2], 0},
		{"unlisted alone", person(routes{pagesLine: says(list()), debugLine: shares("902")}), three[1:2], 0},
		{"unlisted in the order of the token", person(routes{pagesLine: says(list()), debugLine: shares("903", "902", "901"),
			"GET /901": says(page901), "GET /903": says(page903)}), []graph.Page{foundBlog, foundBooks, foundCeramics}, 0},
		{"listed twice, the token first", listing(page901, bare901), three[:1], 0},
		{"listed twice, the token last", listing(bare901, page901), three[:1], 0},
		{"an unlisted one is gone", person(routes{"GET /902": refuses(100, 33, "Unsupported get request.")}), three[:1], 1},
		{"an unlisted one is down", person(routes{"GET /902": down}), three[:1], 1},
		{"an unlisted one is another", person(routes{"GET /902": says(page903)}), three[:1], 1},
		{"an unlisted one may not be read", person(routes{"GET /902": refuses(10, 0, "(#10) This endpoint requires the 'pages_read_engagement' permission")}), three[:1], 1},
		// One Page whose fields are of wrong types costs itself.
		{"odd ones amid", listing(`{"id":"901/feed"}`, page901, `{"id":"905","name":7}`, `[]`, `"906"`, page902, `{"id":"907","instagram_business_account":{"id":"17841.."}}`), three[:2], 1},
		{"an unlisted one is empty", person(routes{"GET /902": says(`{}`)}), three[:1], 1},
		{"without an account", listing(page903), three[2:], 0},
		{"null for an account", listing(`{"id":"903","name":"Blog","access_token":"token-903","tasks":null,"instagram_business_account":null}`), three[2:], 0},
		{"an account without id", listing(`{"id":"903","name":"Blog","access_token":"token-903","instagram_business_account":{"username":"x"}}`), three[2:], 0},
		{"a personal account", listing(`{"id":"904","connected_instagram_account":{"id":"1","username":"ada"}}`), []graph.Page{{ID: "904", Username: "ada"}}, 0},
		{"a personal account without a name", listing(`{"id":"904","connected_instagram_account":{"id":"17841009"}}`), []graph.Page{{ID: "904", Username: "17841009"}}, 0},
		{"a professional account is not personal", listing(`{"id":"904","instagram_business_account":{"id":"1","username":"shop"},"connected_instagram_account":{"id":"1","username":"shop"}}`),
			[]graph.Page{{ID: "904", InstagramID: "1", Username: "shop"}}, 0},

		// The scripted Meta objects to a question for businesses that a row does not answer.
		{"businesses, and no permission to read them", listing(page901), three[:1], 0},
		{"businesses' own and their clients'", owner(nil), three, 0},
		{"own Pages are slow", owner(routes{"GET /71/owned_pages": slow(says(list(page902)))}), three, 0},
		{"clients' Pages are slow", owner(routes{"GET /71/client_pages": slow(says(list(page903)))}), three, 0},
		{"no business", owner(routes{"GET /me/businesses": says(list())}), three[:1], 0},
		{"businesses on two lists", owner(routes{"GET /me/businesses": inTurn(says(listUpTo("x", `{"id":"72"}`)), says(list(`{"id":"71"}`)))}), three, 0},
		{"an edge on two lists", owner(routes{"GET /72/client_pages": inTurn(says(listUpTo("x", page902)), says(list(page903))),
			"GET /71/owned_pages": says(list()), "GET /71/client_pages": says(list())}), three, 0},
		{"an edge is refused", owner(routes{"GET /71/owned_pages": refuses(10, 0, "(#10)")}), []graph.Page{foundCeramics, foundBlog}, 1},
		{"an edge is down", owner(routes{"GET /71/client_pages": down}), three[:2], 1},
		{"businesses cannot be listed", owner(routes{"GET /me/businesses": refuses(10, 0, "(#10)")}), three[:1], 1},
		{"a business with a slash", owner(routes{"GET /me/businesses": says(list(`{"id":"71/x"}`))}), three[:1], 1},
		{"a business without an id", owner(routes{"GET /me/businesses": says(list(`{}`, `{"id":"71"}`))}), three, 0},
		{"a business of null", owner(routes{"GET /me/businesses": says(list(`{"id":null}`, `null`, `{"id":"71"}`))}), three, 0},
		{"businesses' Pages named by the token too", owner(routes{debugLine: shares("902", "903")}), three, 0},
	} {
		run(t, c.name, c.answers, func(t *testing.T, m *meta) {
			found, err := accounts(t, m)
			got, want := graph.Found{Pages: found.Pages, Accounts: found.Accounts}, graph.Found{Pages: c.want, Accounts: accountsOf(c.want...)}
			if diff := cmp.Diff(want, got, bySecret); diff != "" || err != nil || len(found.Skipped) != c.skipped {
				t.Errorf("%v, skipped %v %s", err, found.Skipped, diff)
			}
		})
	}
}

// TestPageWithoutID: nothing can be done with it, and its path would be another.
func TestPageWithoutID(t *testing.T) {
	for _, entry := range []string{`{"name":"x","instagram_business_account":{"id":"1"}}`, `{"id":null}`, `null`} {
		run(t, entry, listing(page901, entry), func(t *testing.T, m *meta) {
			found, err := accounts(t, m)
			if err != nil || !slices.Equal(pageIDs(found), []string{"901"}) {
				t.Errorf("Pages %q, %v", pageIDs(found), err)
			}
		})
	}
}

// TestAccountOnce: an account that is linked to two Pages comes with the first.
func TestAccountOnce(t *testing.T) {
	linked := func(page, account string) string {
		return fmt.Sprintf(`{"id":%q,"instagram_business_account":{"id":%q}}`, page, account)
	}
	run(t, "by two Pages", listing(page903, linked("11", "1"), linked("12", "2"), linked("13", "1")), func(t *testing.T, m *meta) {
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

// TestFields: real Meta refuses a field that an edge does not have, with all that was
// asked along with it: https://stackoverflow.com/questions/tagged/facebook-graph-api,
// "(#100) Tried accessing nonexisting field (tasks) on node type (Page)".
func TestFields(t *testing.T) {
	const least = "id,name,access_token,instagram_business_account"
	refusing := func(allowed string, answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if asked := r.URL.Query().Get("fields"); asked != allowed {
				refuses(100, 0, "(#100) Tried accessing nonexisting field (x) on node type (Page)")(w, r)
				return
			}
			answer(w, r)
		}
	}
	for _, c := range []struct {
		line, allowed string
		calls         int
	}{
		{pagesLine, wantListed, 1}, {pagesLine, wantPage, 2}, {pagesLine, least, 3},
		{"GET /902", wantPage, 1}, {"GET /902", least, 2}, {"GET /71/owned_pages", wantPage, 1}, {"GET /71/client_pages", least, 2},
	} {
		answers := owner(routes{debugLine: shares("902"), "GET /902": says(page902)})
		if c.line == "GET /902" {
			answers["GET /71/owned_pages"] = says(list())
		}
		answers[c.line] = refusing(c.allowed, answers[c.line])
		run(t, c.line+" "+c.allowed, answers, func(t *testing.T, m *meta) {
			found, err := accounts(t, m)
			if ids := slices.Sorted(slices.Values(pageIDs(found))); err != nil || len(found.Skipped) > 0 || !slices.Equal(ids, []string{"901", "902", "903"}) {
				t.Errorf("Pages %q, %v, skipped %v", ids, err, found.Skipped)
			}
			if got := len(m.Requests(c.line)); got != c.calls {
				t.Errorf("%d calls, want %d", got, c.calls)
			}
		})
	}
}

// TestTooMuch: "Please reduce the amount of data you're asking for, then retry your
// request" comes for long lists, and means a smaller limit.
func TestTooMuch(t *testing.T) {
	for most, limits := range map[int]string{100: "100", 50: "100 50", 30: "100 50 25", 1: "100 50 25 12 6 3 1", 0: "100 50 25 12 6 3 1"} {
		answer := func(w http.ResponseWriter, r *http.Request) {
			if limit, _ := strconv.Atoi(r.URL.Query().Get("limit")); limit > most {
				refuses(1, 0, "Please reduce the amount of data you're asking for, then retry your request")(w, r)
				return
			}
			says(list(page901))(w, r)
		}
		run(t, limits, person(routes{pagesLine: answer, debugLine: shares()}), func(t *testing.T, m *meta) {
			_, err := accounts(t, m)
			want := ok
			if most == 0 {
				want = graph.Unavailable
			}
			failureOf(t, err, want)
			var got []string
			for _, request := range m.Requests(pagesLine) {
				got = append(got, request.Query.Get("limit"))
			}
			if strings.Join(got, " ") != limits {
				t.Errorf("limits %q, want %s", got, limits)
			}
		})
	}
}

// TestListRequests: the cursor of the answer and nothing else of it; next
// leads to another host with the token in it, and the fake Meta would object.
func TestListRequests(t *testing.T) {
	answer := inTurn(says(listUpTo("a/b=&c", page901)), says(listUpTo("z", page903)), says(list()))
	run(t, "three lists", person(routes{pagesLine: answer}), func(t *testing.T, m *meta) {
		if _, err := accounts(t, m); err != nil {
			t.Fatal(err)
		}
		var got []url.Values
		for _, request := range m.Requests(pagesLine) {
			got = append(got, request.Query)
		}
		want := make([]url.Values, 3)
		for i := range want {
			want[i] = url.Values{"fields": {wantListed}, "limit": {"100"}, "appsecret_proof": {userProof}}
		}
		want[1]["after"], want[2]["after"] = []string{"a/b=&c"}, []string{"z"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestSlowList: with 24 seconds for a callback, a list of which each part takes five
// gives what it has, and leaves time to save it.
func TestSlowList(t *testing.T) {
	n := 0
	answer := func(w http.ResponseWriter, r *http.Request) {
		n++
		part := listUpTo(strconv.Itoa(n), fmt.Sprintf(`{"id":"%d","access_token":"t","instagram_business_account":{"id":"%[1]d"}}`, 900+n))
		select {
		case <-time.After(5 * time.Second):
			says(part)(w, r)
		case <-r.Context().Done():
		}
	}
	run(t, "5 s each", person(routes{pagesLine: answer, debugLine: shares()}), func(t *testing.T, m *meta) {
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Second)
		defer cancel()
		start := time.Now()
		found, err := m.Accounts(ctx, graph.Token{Value: user, Expires: start.Add(time.Hour)})
		if took := time.Since(start); err != nil || took > 13*time.Second || !slices.Equal(pageIDs(found), []string{"901", "902"}) || len(found.Skipped) != 1 {
			t.Errorf("after %v: Pages %q, skipped %v, %v", took, pageIDs(found), found.Skipped, err)
		}
	})
}

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

// TestListEnds: a list is read to its end, and no further.
func TestListEnds(t *testing.T) {
	numbered := func(n int) (ids []string) {
		for i := range n {
			ids = append(ids, strconv.Itoa(1000+i))
		}
		return ids
	}
	n, only901 := 0, []string{"901"}
	endless := func(w http.ResponseWriter, r *http.Request) { n++; says(listUpTo(strconv.Itoa(n), page901))(w, r) }
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		lists  int
		want   []string
		class  graph.Class
	}{
		{"no Page", manyPages(0), 1, nil, ok},
		{"1 Page", manyPages(1), 1, numbered(1), ok},
		{"100 Pages", manyPages(100), 1, numbered(100), ok},
		{"101 Pages", manyPages(101), 2, numbered(101), ok},
		{"250 Pages", manyPages(250), 3, numbered(250), ok},
		{"a cursor on the last list", says(list(page901)), 1, only901, ok},
		{"next without a cursor", says(`{"data":[` + page901 + `],"paging":{"next":"https://elsewhere.test/?after=x"}}`), 1, only901, ok},
		{"no paging", says(`{"data":[` + page901 + `]}`), 1, only901, ok},
		{"the same cursor again", says(listUpTo("x", page901)), 2, only901, ok},
		{"an empty list amid", inTurn(says(listUpTo("x")), says(list(page901))), 2, only901, ok},
		{"500 once amid", inTurn(says(listUpTo("x", page901)), down, says(list())), 3, only901, ok},
		{"refused amid", inTurn(says(listUpTo("x", page901)), refuses(190, 463, "expired")), 2, nil, graph.TokenDead},
		// Lists that Meta never ends (https://developers.facebook.com/community, "paging next never null").
		{"without end", endless, 4, only901, ok},
		{"without end and empty", func(w http.ResponseWriter, r *http.Request) { n++; says(listUpTo(strconv.Itoa(n)))(w, r) }, 3, nil, ok},
		{"two empty ones amid", inTurn(says(listUpTo("x")), says(listUpTo("y")), says(listUpTo("z", page901)), says(listUpTo("u")), says(list(page903))), 5, []string{"901", "903"}, ok},
		{"down amid", inTurn(says(listUpTo("x", page901)), down, down, down), 4, only901, ok},
		{"throttled amid", inTurn(says(listUpTo("x", page901)), refuses(4, 0, "limit")), 2, only901, ok},
		{"hangs amid", inTurn(says(listUpTo("x", page901)), hangs), 4, only901, ok},
		{"in a circle", func(w http.ResponseWriter, r *http.Request) {
			cursor := map[string]string{"": "a", "a": "b", "b": "a"}[r.URL.Query().Get("after")]
			says(listUpTo(cursor, page901))(w, r)
		}, 3, only901, ok},
	} {
		run(t, c.name, person(routes{pagesLine: c.answer, debugLine: shares()}), func(t *testing.T, m *meta) {
			found, err := accounts(t, m)
			failureOf(t, err, c.class)
			if got := len(m.Requests(pagesLine)); got != c.lists {
				t.Errorf("%d lists, want %d", got, c.lists)
			}
			if diff := cmp.Diff(c.want, pageIDs(found)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
