package supabase_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/lib/secret"
	"igconnect/lib/store"
)

func TestSaveConnections(t *testing.T) { onBothDatabases(t, newSaver, saveCases) }

// saver saves connections as the functions do, for one user and one Facebook person.
type saver struct {
	*project
	store        *store.Store
	user, person string
}

func newSaver(t *testing.T, p *project) *saver {
	t.Helper()
	empty(t, p)
	s, err := store.New(p.URL, secret.New(p.ServiceKey))
	if err != nil {
		t.Fatal(err)
	}
	return &saver{p, s, p.newUser(t).ID, unique("500")}
}

// connection has something in each column.
func (s *saver) connection(id string) store.Sealed {
	at := time.Now().UTC().Truncate(time.Microsecond)
	return store.Sealed{
		Tokens: store.Tokens{Token: secret.New(newToken()), PageToken: secret.New(newToken())},
		Connection: store.Connection{
			UserID: s.user, AuthUserID: store.Text(s.user), FacebookUserID: store.Text(s.person), Scopes: []string{"pages_show_list"},
			DataAccessExpires: store.At(at.Add(90 * time.Hour)), Checked: store.At(at),
			Account: store.Account{
				InstagramID: id, Username: "shop", Name: "Shop", PictureURL: "https://cdn.test/1.jpg", PageID: "901", PageName: "Page",
				Status: store.StatusExpiring, StatusReason: "Ends soon.", TokenExpires: store.At(at.Add(60 * time.Hour)), Connected: store.At(at),
				Subscription: store.Subscription{Fields: []string{"messages"}, Error: "left out"},
			},
		},
	}
}

func (s *saver) save(t *testing.T, all ...store.Sealed) (others []store.Connection) {
	t.Helper()
	others, err := s.store.Save(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	return others
}

// wantSaved checks a connection's columns, as a list reads them, and its tokens.
func (s *saver) wantSaved(t *testing.T, want store.Sealed) {
	t.Helper()
	got, err := s.store.OfUser(t.Context(), want.UserID)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "saved", []store.Connection{want.Connection}, got)
	var pageToken any
	if !want.PageToken.Empty() {
		pageToken = want.PageToken.Reveal()
	}
	s.wantTokens(t, want.InstagramID, want.Token.Reveal(), pageToken)
}

var saveCases = []testCase[*saver]{
	{"EveryColumn", func(t *testing.T, s *saver) {
		full := s.connection(newID())
		columns, err := json.Marshal(full.Connection)
		if err != nil || strings.Contains(string(columns), "null") {
			t.Fatalf("a column without a value proves nothing: %s %v", columns, err)
		}
		s.save(t, full)
		s.wantSaved(t, full)

		other := s.connection(full.InstagramID)
		other.Scopes, other.Username, other.Name, other.PictureURL, other.PageName = []string{"x"}, "new", "New", "https://cdn.test/2.jpg", "New Page"
		other.PageID, other.FacebookUserID, other.Status, other.StatusReason = "902", "5", store.StatusReconnect, "No Page token."
		other.Fields, other.Error = []string{}, ""
		s.save(t, other)
		s.wantSaved(t, other)
		wantEqual(t, "retry", object{"retry": true}, s.read(t, other.InstagramID, "retry"))

		bare := store.Sealed{
			Tokens: store.Tokens{Token: secret.New(newToken())},
			Connection: store.Connection{
				UserID: s.user, AuthUserID: store.Text(s.user), Scopes: []string{},
				Account: store.Account{
					InstagramID: full.InstagramID, Status: store.StatusActive, Connected: full.Connected,
					Subscription: store.Subscription{Fields: []string{}},
				},
			},
		}
		s.save(t, bare)
		s.wantSaved(t, bare)
	}},
	// What a grant may have ended: the person's other connections, whoever's they are, that still work.
	{"Others", func(t *testing.T, s *saver) {
		of := func(user string, change func(*store.Sealed)) string {
			c := s.connection(newID())
			c.UserID, c.AuthUserID = user, store.Text(user)
			change(&c)
			s.save(t, c)
			return c.InstagramID
		}
		unchanged := func(*store.Sealed) {}
		own, friends := of(s.user, unchanged), of(s.newUser(t).ID, unchanged)
		of(s.user, func(c *store.Sealed) { c.FacebookUserID = "7" })
		of(s.user, func(c *store.Sealed) { c.Status = store.StatusReconnect })
		of(s.user, func(c *store.Sealed) { c.PageID = "" })
		known := of(s.user, unchanged)

		got := map[string]store.Connection{}
		for _, other := range s.save(t, s.connection(known), s.connection(newID())) {
			got[other.InstagramID] = other
		}
		if len(got) != 2 || got[own].UserID != s.user || got[friends].UserID == s.user {
			t.Fatalf("others %v, want %s and %s", got, own, friends)
		}
		listed, err := s.store.OfUser(t.Context(), s.user)
		i := slices.IndexFunc(listed, func(c store.Connection) bool { return c.InstagramID == own })
		if err != nil || i < 0 {
			t.Fatal(listed, err)
		}
		want := store.Connection{UserID: s.user, FacebookUserID: store.Text(s.person), Account: store.Account{
			InstagramID: own, Username: "shop", PageID: "901", Status: store.StatusExpiring, Connected: listed[i].Connected,
		}}
		wantEqual(t, "what is told of one", want, got[own])
	}},
	{"AllOrNothing", func(t *testing.T, s *saver) {
		good, bad, gone := s.connection(newID()), s.connection(newID()), s.connection(newID())
		bad.Status = "broken"
		gone.UserID, gone.AuthUserID = "0b7d3c1e-2f4a-4d5b-8e6f-9a0b1c2d3e4f", "0b7d3c1e-2f4a-4d5b-8e6f-9a0b1c2d3e4f"
		for _, refused := range []store.Sealed{bad, gone} {
			_, err := s.store.Save(t.Context(), []store.Sealed{good, refused})
			failure, ok := errors.AsType[*store.Error](err)
			if !ok || failure.NoUser() != (refused.UserID == gone.UserID) {
				t.Errorf("saving %q for %s: %v", refused.Status, refused.UserID, err)
			}
			wantEqual(t, "saved", []object{}, s.lookUp(t, good.InstagramID))
		}
		s.wantSecrets(t, 0, s.user)
		s.wantRefused(t, "save_connections", object{"connections": object{}}, "connections must be a JSON array.")
	}},
}
