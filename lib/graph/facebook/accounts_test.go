package facebook_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/secret"

	"github.com/google/go-cmp/cmp"
)

var (
	foundCeramics = graph.Page{ID: "901", Name: "Ceramics", HasToken: true, Tasks: []string{"MODERATE", "ADVERTISE"},
		InstagramID: "17841001", Username: "ceramics"}
	foundBooks = graph.Page{ID: "902", Name: "Books", HasToken: true, Tasks: []string{"MESSAGING"},
		InstagramID: "17841002", Username: "books"}
	foundBlog = graph.Page{ID: "903", Name: "Blog", HasToken: true}
)

// accountsOf are the accounts linked to the Pages.
func accountsOf(pages []graph.Page) (linked []graph.Account) {
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

// bySecret lets cmp compare what hides its value.
var bySecret = cmp.Comparer(func(a, b secret.String) bool { return a.Reveal() == b.Reveal() })

// accounts looks them up with a token whose end is known.
func accounts(t *testing.T, m *meta) (graph.Found, error) {
	return m.Accounts(t.Context(), graph.Token{Value: user, Expires: time.Unix(1785000000, 0)})
}

// pageIDs are those that a Found holds, in its order.
func pageIDs(found graph.Found) (ids []string) {
	for _, p := range found.Pages {
		ids = append(ids, p.ID)
	}
	return ids
}

func TestAccounts(t *testing.T) {
	run(t, person(nil), func(t *testing.T, m *meta) {
		found, err := accounts(t, m)
		if err != nil {
			t.Fatal(err)
		}
		want := graph.Found{
			Person:            graph.Person{ID: "501", Name: "Ada"},
			Granted:           []string{"pages_show_list", "instagram_basic"},
			Declined:          []string{"instagram_manage_messages", "pages_manage_metadata"},
			Missing:           []string{"instagram_manage_messages", "pages_manage_metadata"},
			Accounts:          accountsOf([]graph.Page{foundCeramics, foundBooks}),
			Pages:             []graph.Page{foundCeramics, foundBooks},
			Expires:           time.Unix(1785000000, 0),
			DataAccessExpires: time.Unix(1790000000, 0).UTC(),
			Asked:             time.Now(), // the bubble's clock stands still
			Shared:            []string{"901", "902"},
			AllNamed:          true,
		}
		if diff := cmp.Diff(want, found, bySecret); diff != "" {
			t.Error(diff)
		}
	})
}

// barrier answers no route before all of them have been asked.
func barrier(answers routes, lines ...string) routes {
	var asked sync.WaitGroup
	asked.Add(len(lines))
	for _, line := range lines {
		answer := answers[line]
		answers[line] = func(w http.ResponseWriter, r *http.Request) {
			asked.Done()
			asked.Wait()
			answer(w, r)
		}
	}
	return answers
}

var fourCalls = []string{"GET /me", "GET /me/permissions", "GET /me/accounts", "GET /debug_token"}

// TestSideBySide: with one call waiting for another, the barrier would let
// nobody through.
func TestSideBySide(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers routes
		calls   []string
	}{
		{"the four", person(nil), fourCalls},
		{"unlisted Pages", person(routes{debugLine: shares(`"902"`, `"903"`), "GET /903": says(page903)}), []string{"GET /902", "GET /903"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The WaitGroup belongs to the bubble, so it is made at the first request.
			var once sync.Once
			var answers routes
			lazy := routes{}
			for line := range c.answers {
				lazy[line] = func(w http.ResponseWriter, r *http.Request) {
					once.Do(func() { answers = barrier(c.answers, c.calls...) })
					answers[line](w, r)
				}
			}
			run(t, lazy, func(t *testing.T, m *meta) {
				if _, err := accounts(t, m); err != nil {
					t.Fatal(err)
				}
				if got := len(m.Lines()); got != len(c.answers) {
					t.Errorf("%d requests, want %d: %v", got, len(c.answers), m.Lines())
				}
			})
		})
	}
}

// TestOneFailureEndsTheOthers: they would hang for ever.
func TestOneFailureEndsTheOthers(t *testing.T) {
	for _, failing := range fourCalls {
		t.Run(failing, func(t *testing.T) {
			answers := routes{}
			for _, line := range fourCalls {
				answers[line] = hangs
			}
			answers[failing] = func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(time.Second) // of the bubble: the others are on their way by then
				refuses(190, 463, "Session has expired")(w, r)
			}
			if failing == debugLine {
				answers[failing] = func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(time.Second)
					says(`{"data":{"is_valid":false,"error":{"code":190,"subcode":463,"message":"Session has expired"}}}`)(w, r)
				}
			}
			run(t, answers, func(t *testing.T, m *meta) {
				start := time.Now()
				_, err := accounts(t, m)
				if failure := failureOf(t, err, graph.TokenDead); failure.Subcode != 463 {
					t.Errorf("%v, want the one that failed first", err)
				}
				if took := time.Since(start); took != time.Second {
					t.Errorf("the others ran on until %v", took)
				}
				if len(m.Lines()) != 4 {
					t.Errorf("requests %v", m.Lines())
				}
			})
		})
	}
}

func TestAccountsFailures(t *testing.T) {
	down := status(500, "<html>")
	for _, c := range []struct {
		name    string
		changes routes
		want    graph.Class
	}{
		{"no person", routes{"GET /me": says(`{"name":"Ada"}`)}, graph.Unavailable},
		{"a person with dots", routes{"GET /me": says(`{"id":"../501"}`)}, graph.Unavailable},
		{"the person is down", routes{"GET /me": down}, graph.Unavailable},
		{"no permissions", routes{"GET /me/permissions": says(`{}`)}, graph.Unavailable},
		{"permissions throttled", routes{"GET /me/permissions": refuses(4, 0, "limit")}, graph.Throttled},
		{"no list", routes{"GET /me/accounts": says(`{"paging":{}}`)}, graph.Unavailable},
		{"null for the list", routes{"GET /me/accounts": says(`{"data":null}`)}, graph.Unavailable},
		{"a Page with a slash", routes{"GET /me/accounts": says(list(`{"id":"901/feed"}`))}, graph.Unavailable},
		{"an account with dots", routes{"GET /me/accounts": says(list(`{"id":"901","instagram_business_account":{"id":"17841.."}}`))}, graph.Unavailable},
		{"the list is not allowed", routes{"GET /me/accounts": refuses(200, 0, "(#200)")}, graph.NoPermission},
		{"wrong proof", routes{"GET /me": refuses(100, 0, "Invalid appsecret_proof provided in the API argument")}, graph.BadApp},
		{"another app's token", routes{debugLine: says(`{"data":{"app_id":"99","is_valid":true}}`)}, graph.TokenDead},
		{"no account, and an unlisted Page is down", routes{"GET /me/accounts": says(list()), debugLine: shares("902"), "GET /902": down}, graph.Unavailable},
		{"no account, and an unlisted Page is throttled", routes{"GET /me/accounts": says(list(page903)), debugLine: shares("902"), "GET /902": refuses(32, 0, "limit")}, graph.Throttled},
		{"no account, and debug_token is down", routes{"GET /me/accounts": says(list(page903)), debugLine: down}, graph.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, person(c.changes), func(t *testing.T, m *meta) {
				found, err := accounts(t, m)
				failureOf(t, err, c.want)
				if diff := cmp.Diff(graph.Found{}, found, bySecret); diff != "" {
					t.Errorf("something along with the error: %s", diff)
				}
			})
		})
	}
}

// TestInspectionDown: what debug_token adds is missed only without expires_in.
func TestInspectionDown(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{"500": status(500, ""), "refused": refuses(100, 0, "no"), "throttled": refuses(4, 0, "limit")} {
		t.Run(name, func(t *testing.T) {
			run(t, person(routes{debugLine: answer}), func(t *testing.T, m *meta) {
				found, err := accounts(t, m)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(pageIDs(found), []string{"901"}) || !found.DataAccessExpires.IsZero() || found.Expires.Unix() != 1785000000 {
					t.Errorf("found %+v", found)
				}
				if len(found.Skipped) != 1 {
					t.Errorf("Skipped = %v, want what debug_token answered", found.Skipped)
				}
			})
			run(t, person(routes{debugLine: answer}), func(t *testing.T, m *meta) {
				if _, err := m.Accounts(t.Context(), graph.Token{Value: user}); err == nil {
					t.Error("a token whose end nobody knows")
				}
			})
		})
	}
}

// TestExpiresFromInspection: where the upgrade did not say.
func TestExpiresFromInspection(t *testing.T) {
	for name, c := range map[string]struct {
		debug string
		want  time.Time
	}{
		"known": {goodDebug, time.Unix(1780000000, 0).UTC()},
		"never": {`{"data":{"app_id":"1234567890","is_valid":true,"expires_at":0}}`, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, person(routes{debugLine: says(c.debug)}), func(t *testing.T, m *meta) {
				found, err := m.Accounts(t.Context(), graph.Token{Value: user})
				if err != nil || !found.Expires.Equal(c.want) {
					t.Errorf("Expires %v, want %v (%v)", found.Expires, c.want, err)
				}
			})
		})
	}
}

// TestDeadline: whatever hangs, the caller's time is kept to the instant.
func TestDeadline(t *testing.T) {
	for name, answers := range map[string]routes{
		"all hang":              {"GET /me": hangs, "GET /me/permissions": hangs, "GET /me/accounts": hangs, debugLine: hangs},
		"the list hangs":        person(routes{"GET /me/accounts": hangs}),
		"an unlisted one hangs": person(routes{"GET /me/accounts": says(list()), debugLine: shares("902"), "GET /902": hangs}),
	} {
		t.Run(name, func(t *testing.T) {
			run(t, answers, func(t *testing.T, m *meta) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				start := time.Now()
				_, err := m.Accounts(ctx, graph.Token{Value: user, Expires: start.Add(time.Hour)})
				failureOf(t, err, graph.Unavailable)
				if took := time.Since(start); took != 2*time.Second {
					t.Errorf("took %v", took)
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v, want it to say that the time was up", err)
				}
			})
		})
	}
}

// TestCovers: a Page is given up only where Meta says so.
func TestCovers(t *testing.T) {
	listed := graph.Found{Pages: []graph.Page{foundBooks}, Shared: []string{"904"}}
	all := listed
	all.AllNamed = true
	for _, c := range []struct {
		name   string
		found  graph.Found
		page   string
		answer http.HandlerFunc // to the question for Page 903; nil: it must not be asked
		want   bool
	}{
		{"listed", all, "902", nil, true},
		{"shared, though not listed", all, "904", nil, true},
		{"not among those shared", all, "903", nil, false},
		{"unknown, and readable", listed, "903", says(page903), true},
		{"unknown, and refused", listed, "903", refuses(100, 33, "Unsupported get request."), false},
		{"unknown, and not permitted", listed, "903", refuses(10, 0, "no"), false},
		{"unknown, and Meta is down", listed, "903", status(503, "down"), true},
		{"unknown, and throttled", listed, "903", refuses(4, 0, "slow"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers := routes{}
			if c.answer != nil {
				answers["GET /903"] = c.answer
			}
			run(t, answers, func(t *testing.T, m *meta) {
				if got := m.Covers(t.Context(), user, c.found, c.page); got != c.want {
					t.Errorf("Covers = %v", got)
				}
			})
		})
	}
}
