package facebook_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"igconnect/lib/graph"

	"github.com/google/go-cmp/cmp"
)

const withBusinesses = `{"data":[{"permission":"pages_show_list","status":"granted"},{"permission":"business_management","status":"granted"}]}`

// owner is a person with two businesses: the first holds 902 for itself and 903
// for a client, the second 901, which is listed too.
func owner(changes routes) routes {
	answers := person(routes{
		"GET /me/permissions":  says(withBusinesses),
		"GET /me/accounts":     says(list(page901)),
		debugLine:              shares(),
		"GET /me/businesses":   says(list(`{"id":"71"}`, `{"id":72}`)),
		"GET /71/owned_pages":  says(list(page902)),
		"GET /71/client_pages": says(list(page903)),
		"GET /72/owned_pages":  says(list(page901)),
		"GET /72/client_pages": says(list()),
	})
	for line, answer := range changes {
		answers[line] = answer
	}
	return answers
}

func TestBusinesses(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes routes
		want    []string
		skipped int
	}{
		{"owned and of clients", nil, []string{"901", "902", "903"}, 0},
		{"none", routes{"GET /me/businesses": says(list())}, []string{"901"}, 0},
		{"on two lists", routes{"GET /me/businesses": inTurn(says(listUpTo("x", `{"id":"72"}`)), says(list(`{"id":"71"}`)))}, []string{"901", "902", "903"}, 0},
		{"an edge on two lists", routes{"GET /72/client_pages": inTurn(says(listUpTo("x", page902)), says(list(page903))), "GET /71/owned_pages": says(list()),
			"GET /71/client_pages": says(list())}, []string{"901", "902", "903"}, 0},
		{"an edge is refused", routes{"GET /71/owned_pages": refuses(10, 0, "(#10)")}, []string{"901", "903"}, 1},
		{"an edge is down", routes{"GET /71/client_pages": status(500, "")}, []string{"901", "902"}, 1},
		{"they cannot be listed", routes{"GET /me/businesses": refuses(10, 0, "(#10)")}, []string{"901"}, 1},
		{"an id with a slash", routes{"GET /me/businesses": says(list(`{"id":"71/x"}`))}, []string{"901"}, 1},
		{"named by the token too", routes{debugLine: shares("902", "903")}, []string{"901", "902", "903"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, owner(c.changes), func(t *testing.T, m *meta) {
				found, err := accounts(t, m)
				if err != nil {
					t.Fatal(err)
				}
				ids := pageIDs(found)
				slices.Sort(ids)
				if diff := cmp.Diff(c.want, ids); diff != "" {
					t.Error(diff)
				}
				if len(found.Skipped) != c.skipped {
					t.Errorf("skipped %v", found.Skipped)
				}
			})
		})
	}
}

// TestBusinessesNeedAPermission: without it Meta is not asked.
func TestBusinessesNeedAPermission(t *testing.T) {
	run(t, owner(routes{"GET /me/permissions": says(goodPermissions)}), func(t *testing.T, m *meta) {
		if _, err := accounts(t, m); err != nil {
			t.Fatal(err)
		}
		if m.Count("GET /me/businesses") != 0 {
			t.Error("asked for businesses")
		}
	})
}

// TestBusinessWithoutID: its path would be another's.
func TestBusinessWithoutID(t *testing.T) {
	for _, entry := range []string{`{}`, `{"id":null}`, `null`} {
		run(t, owner(routes{"GET /me/businesses": says(list(entry, `{"id":"71"}`))}), func(t *testing.T, m *meta) {
			_, _ = accounts(t, m) // the fake Meta objects to "//owned_pages"
		})
	}
}

// TestBusinessOrder: the same order each time, whatever answers first.
func TestBusinessOrder(t *testing.T) {
	for _, slow := range []string{"GET /71/owned_pages", "GET /71/client_pages", "GET /71/none"} {
		answers := owner(nil)
		if answer := answers[slow]; answer != nil {
			answers[slow] = func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(time.Second) // of the bubble: the others are through by then
				answer(w, r)
			}
		}
		run(t, answers, func(t *testing.T, m *meta) {
			found, err := accounts(t, m)
			if ids := pageIDs(found); err != nil || !slices.Equal(ids, []string{"901", "902", "903"}) {
				t.Errorf("%s is slow: %v (%v)", slow, ids, err)
			}
		})
	}
}

// TestNoAccountYet: an account may be behind what failed.
func TestNoAccountYet(t *testing.T) {
	run(t, owner(routes{
		"GET /me/accounts": says(list()), "GET /72/owned_pages": says(list()),
		"GET /71/owned_pages": status(502, "<html>"),
	}), func(t *testing.T, m *meta) {
		_, err := accounts(t, m)
		failureOf(t, err, graph.Unavailable)
	})
}
