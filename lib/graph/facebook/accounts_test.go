package facebook_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/graph"
)

func TestAccounts(t *testing.T) {
	run(t, "all fields", person(nil), func(t *testing.T, m *meta) {
		found, err := accounts(t, m)
		want := graph.Found{
			Person:            graph.Person{ID: "501", Name: "Ada"},
			Granted:           []string{"pages_show_list", "instagram_basic"},
			Declined:          []string{"instagram_manage_messages", "pages_manage_metadata"},
			Missing:           []string{"instagram_manage_messages", "pages_manage_metadata"},
			Accounts:          accountsOf(foundCeramics, foundBooks),
			Pages:             []graph.Page{foundCeramics, foundBooks},
			Expires:           time.Unix(1785000000, 0),
			DataAccessExpires: time.Unix(1790000000, 0).UTC(),
			Asked:             time.Now(), // the bubble's clock stands still
			Shared:            []string{"901", "902"},
			AllNamed:          true,
			SharedAccounts:    []string{"17841001"},
		}
		if diff := cmp.Diff(want, found, bySecret); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	})
}

// TestSideBySide: with one call waiting for another, the barrier would let
// nobody through.
func TestSideBySide(t *testing.T) {
	for name, c := range map[string]struct {
		answers routes
		calls   []string
	}{
		"the four":       {person(nil), fourCalls},
		"unlisted Pages": {person(routes{debugLine: shares(`"902"`, `"903"`), "GET /903": says(page903)}), []string{"GET /902", "GET /903"}},
	} {
		var asked sync.WaitGroup
		for _, line := range c.calls {
			answer := c.answers[line]
			c.answers[line] = func(w http.ResponseWriter, r *http.Request) { asked.Done(); asked.Wait(); answer(w, r) }
		}
		run(t, name, c.answers, func(t *testing.T, m *meta) {
			asked.Add(len(c.calls)) // here, so that it belongs to the bubble
			if _, err := accounts(t, m); err != nil {
				t.Fatal(err)
			}
			if got := len(m.Requests()); got != len(c.answers) {
				t.Errorf("%d requests, want %d: %v", got, len(c.answers), m.Requests())
			}
		})
	}
}

// TestOneFailureEndsTheOthers: they would hang for ever.
func TestOneFailureEndsTheOthers(t *testing.T) {
	for _, failing := range fourCalls {
		answers := routes{}
		for _, line := range fourCalls {
			answers[line] = hangs
		}
		answers[failing] = slow(refuses(190, 463, "Session has expired"))
		if failing == debugLine {
			answers[failing] = slow(says(`{"data":{"is_valid":false,"error":{"code":190,"subcode":463,"message":"Session has expired"}}}`))
		}
		run(t, failing, answers, func(t *testing.T, m *meta) {
			start := time.Now()
			_, err := accounts(t, m)
			if failure := failureOf(t, err, graph.TokenDead); failure.Subcode != 463 {
				t.Errorf("%v, want the one that failed first", err)
			}
			if took := time.Since(start); took != time.Second || len(m.Requests()) != 4 {
				t.Errorf("the others ran on until %v, requests %v", took, m.Requests())
			}
		})
	}
}

// TestAccountsFailures: nothing comes along with an error. Without an account, one may
// be behind what could not be read.
func TestAccountsFailures(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers routes
		want    graph.Class
	}{
		{"no person", person(routes{"GET /me": says(`{"name":"Ada"}`)}), graph.Unavailable},
		{"a person with dots", person(routes{"GET /me": says(`{"id":"../501"}`)}), graph.Unavailable},
		{"the person is down", person(routes{"GET /me": down}), graph.Unavailable},
		{"no permissions", person(routes{permissionsLine: says(`{}`)}), graph.Unavailable},
		{"permissions throttled", person(routes{permissionsLine: refuses(4, 0, "limit")}), graph.Throttled},
		{"no list", person(routes{pagesLine: says(`{"paging":{}}`)}), graph.Unavailable},
		{"null for the list", person(routes{pagesLine: says(`{"data":null}`)}), graph.Unavailable},
		{"the list is not allowed", person(routes{pagesLine: refuses(200, 0, "(#200)")}), graph.NoPermission},
		{"wrong proof", person(routes{"GET /me": refuses(100, 0, "Invalid appsecret_proof provided in the API argument")}), graph.BadApp},
		{"another app's token", person(routes{debugLine: says(`{"data":{"app_id":"99","is_valid":true}}`)}), graph.TokenDead},
		{"no account, and an unlisted Page is down", person(routes{pagesLine: says(list()), debugLine: shares("902"), "GET /902": down}), graph.Unavailable},
		{"no account, and an unlisted Page is throttled", person(routes{pagesLine: says(list(page903)), debugLine: shares("902"), "GET /902": refuses(32, 0, "limit")}), graph.Throttled},
		{"no account, and debug_token is down", person(routes{pagesLine: says(list(page903)), debugLine: down}), graph.Unavailable},
		{"no account, and a business is down", owner(routes{pagesLine: says(list()), "GET /72/owned_pages": says(list()), "GET /71/owned_pages": status(502, "<html>")}), graph.Unavailable},
	} {
		run(t, c.name, c.answers, func(t *testing.T, m *meta) {
			found, err := accounts(t, m)
			failureOf(t, err, c.want)
			if diff := cmp.Diff(graph.Found{}, found, bySecret); diff != "" {
				t.Errorf("something along with the error: %s", diff)
			}
		})
	}
}

// TestNamedAndNotShown: Pages that Meta names and does not show are named, and accounts
// that it names are told from those that a Page led to.
func TestNamedAndNotShown(t *testing.T) {
	const granular = `{"data":{"app_id":"1234567890","is_valid":true,"granular_scopes":[` +
		`{"scope":"pages_show_list","target_ids":["901","902"]},{"scope":"instagram_basic","target_ids":["17841001","17841009"]}]}}`
	for _, c := range []struct {
		name               string
		page902            http.HandlerFunc
		notShown, pageless []string
	}{
		{"shown", says(strings.ReplaceAll(page903, "903", "902")), nil, []string{"17841009"}},
		{"refused", refuses(10, 0, "(#10) This endpoint requires the 'pages_read_engagement' permission"), []string{"902"}, nil},
		{"down", down, []string{"902"}, nil},
	} {
		run(t, c.name, person(routes{debugLine: says(granular), "GET /902": c.page902}), func(t *testing.T, m *meta) {
			found, err := accounts(t, m)
			if err != nil || !slices.Equal(found.NotShown, c.notShown) || !slices.Equal(found.Pageless(), c.pageless) {
				t.Errorf("not shown %q, without a Page %q (%v)", found.NotShown, found.Pageless(), err)
			}
		})
	}
}

// TestInspectionDown: what debug_token adds is missed only without expires_in.
func TestInspectionDown(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{"500": down, "refused": refuses(100, 0, "no"), "throttled": refuses(4, 0, "limit")} {
		run(t, name, person(routes{debugLine: answer}), func(t *testing.T, m *meta) {
			found, err := accounts(t, m)
			if err != nil || len(found.Skipped) != 1 || !found.DataAccessExpires.IsZero() || found.Expires.Unix() != 1785000000 {
				t.Errorf("found %+v, %v; want what debug_token answered to be skipped", found, err)
			}
			if diff := cmp.Diff([]graph.Page{foundCeramics}, found.Pages); diff != "" {
				t.Error(diff)
			}
			if _, err := m.Accounts(t.Context(), graph.Token{Value: user}); err == nil {
				t.Error("a token whose end nobody knows")
			}
		})
	}
}

// TestExpiresFromInspection: where the upgrade did not say; zero is never.
func TestExpiresFromInspection(t *testing.T) {
	for debug, want := range map[string]time.Time{goodDebug: time.Unix(1780000000, 0), `{"data":{"app_id":"1234567890","is_valid":true,"expires_at":0}}`: {}} {
		run(t, want.String(), person(routes{debugLine: says(debug)}), func(t *testing.T, m *meta) {
			found, err := m.Accounts(t.Context(), graph.Token{Value: user})
			if err != nil || !found.Expires.Equal(want) {
				t.Errorf("Expires %v, want %v (%v)", found.Expires, want, err)
			}
		})
	}
}

// TestDeadline: whatever hangs, the look-up leaves half of a short time to the caller.
func TestDeadline(t *testing.T) {
	for name, answers := range map[string]routes{
		"all hang":              {"GET /me": hangs, permissionsLine: hangs, pagesLine: hangs, debugLine: hangs},
		"the list hangs":        person(routes{pagesLine: hangs}),
		"an unlisted one hangs": person(routes{pagesLine: says(list()), debugLine: shares("902"), "GET /902": hangs}),
	} {
		run(t, name, answers, func(t *testing.T, m *meta) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			start := time.Now()
			_, err := m.Accounts(ctx, graph.Token{Value: user, Expires: start.Add(time.Hour)})
			failureOf(t, err, graph.Unavailable)
			if took := time.Since(start); took != time.Second || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("took %v; %v, want it to say that the time was up", took, err)
			}
		})
	}
}

// TestCovers: a Page is given up only where Meta says so.
func TestCovers(t *testing.T) {
	listed := graph.Found{Pages: []graph.Page{foundBooks}, Shared: []string{"904"}}
	all := listed
	all.AllNamed = true
	for _, c := range []struct {
		name    string
		found   graph.Found
		page    string
		answers routes // the scripted Meta objects to any other question
		want    bool
	}{
		{"listed", all, "902", nil, true},
		{"shared, though not listed", all, "904", nil, true},
		{"not among those shared", all, "903", nil, false},
		{"unknown, and readable", listed, "903", routes{"GET /903": says(page903)}, true},
		{"unknown, and refused", listed, "903", routes{"GET /903": refuses(100, 33, "Unsupported get request.")}, false},
		{"unknown, and not permitted", listed, "903", routes{"GET /903": refuses(10, 0, "(#10) This endpoint requires the 'pages_read_engagement' permission")}, true},
		{"unknown, and a field is refused", listed, "903", routes{"GET /903": refuses(100, 0, "(#100) Tried accessing nonexisting field (tasks) on node type (Page)")}, true},
		{"unknown, and an alias", listed, "903", routes{"GET /903": refuses(803, 0, "(#803) Some of the aliases you requested do not exist")}, false},
		{"unknown, and the token is dead", listed, "903", routes{"GET /903": refuses(190, 0, "expired")}, false},
		{"unknown, and nothing of it", listed, "903", routes{"GET /903": says(`{}`)}, false},
		{"unknown, and Meta is down", listed, "903", routes{"GET /903": status(503, "down")}, true},
		{"unknown, and throttled", listed, "903", routes{"GET /903": refuses(4, 0, "slow")}, true},
	} {
		run(t, c.name, c.answers, func(t *testing.T, m *meta) {
			if got := m.Covers(t.Context(), user, c.found, c.page); got != c.want {
				t.Errorf("Covers = %v", got)
			}
		})
	}
}
