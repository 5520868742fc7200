package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"igconnect/lib/secret"
)

const (
	user      = "6f09c27e-5d0b-4b43-9c0e-0a3b8f6d2c11"
	otherUser = "00000000-0000-4000-8000-00000000000b"
	account   = "17841400000000001"
)

var (
	at   = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	code = uuid.MustParse("0b7d3c1e-2f4a-4d5b-8e6f-9a0b1c2d3e4f")
)

// full is a connection with everything, sparse one with the least.
func full() Sealed {
	return Sealed{
		Connection: Connection{
			UserID: user, AuthUserID: user, FacebookUserID: "2002", Scopes: []string{"instagram_basic", "pages_show_list"},
			DataAccessExpires: At(at.AddDate(0, 0, 90)), Checked: At(at),
			Account: Account{
				InstagramID: account, Username: "kaese.brot", Name: "Käse", PictureURL: "https://cdn.example/p.jpg?a=1&b=2",
				PageID: "1001", PageName: "Käse & Brot", Status: StatusActive, TokenExpires: At(at.AddDate(0, 0, 60)), Connected: At(at),
				Subscription: Subscription{Fields: []string{"messages"}, Error: "standby was refused"},
			},
		},
		Tokens: Tokens{Token: secret.New(igToken), PageToken: secret.New(pageToken)},
	}
}

func sparse() Sealed {
	return Sealed{
		Connection: Connection{UserID: user, Scopes: []string{}, Checked: At(at), Account: Account{
			InstagramID: "17841400000000002", Status: StatusActive, Connected: At(at), Subscription: Subscription{Fields: []string{}},
		}},
		Tokens: Tokens{Token: secret.New(igToken)},
	}
}

const fullRow = `{"user_id":"` + user + `","auth_user_id":"` + user + `","instagram_id":"17841400000000001",
	"token":"` + igToken + `","page_token":"` + pageToken + `","page_id":"1001","page_name":"Käse & Brot",
	"username":"kaese.brot","name":"Käse","picture_url":"https://cdn.example/p.jpg?a=1&b=2","facebook_user_id":"2002",
	"scopes":["instagram_basic","pages_show_list"],"token_expires_at":"2027-01-21T09:30:00Z",
	"data_access_expires_at":"2027-02-20T09:30:00Z","status":"active","status_reason":null,
	"checked_at":"2026-11-22T09:30:00Z","connected_at":"2026-11-22T09:30:00Z",
	"subscribed_fields":["messages"],"subscription_error":"standby was refused","retry":false}`

// The same keys as fullRow: PostgREST refuses a bulk of unlike rows (PGRST102),
// and a key left out would keep the old value of a known row.
const sparseRow = `{"user_id":"` + user + `","auth_user_id":null,"instagram_id":"17841400000000002",
	"token":"` + igToken + `","page_token":null,"page_id":null,"page_name":null,
	"username":null,"name":null,"picture_url":null,"facebook_user_id":null,
	"scopes":[],"token_expires_at":null,
	"data_access_expires_at":null,"status":"active","status_reason":null,
	"checked_at":"2026-11-22T09:30:00Z","connected_at":"2026-11-22T09:30:00Z",
	"subscribed_fields":[],"subscription_error":null,"retry":false}`

// TestWritesAnsweredOtherwise: what a gateway or a sign-in page says with 200
// is not a row that was written.
func TestWritesAnsweredOtherwise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, body := range []string{"<!doctype html><title>Welcome</title>", "null", "[{", "true"} {
			s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) { return answer(200, body), nil })
			for name, err := range writes(t.Context(), s) {
				var failure *Error
				if !errors.As(err, &failure) || failure.Status != 200 || strings.Contains(failure.Error(), body) {
					t.Errorf("%s answered %q: %v", name, body, err)
				}
			}
		}
	})
}

// writes makes each call whose answer is empty, or rows that nobody reads.
func writes(ctx context.Context, s *Store) map[string]error {
	return map[string]error{
		"SetSubscription": s.SetSubscription(ctx, user, []string{account}, Subscription{}),
		"Delete":          s.Delete(ctx, user, account), "Stop": s.Stop(ctx, "2002", []string{account}, at, "not shared"),
	}
}

func TestListAnswers(t *testing.T) {
	t.Parallel()
	bare := Connection{UserID: user, Account: Account{InstagramID: "1"}}
	hosted, lite := bare, bare
	hosted.AuthUserID, hosted.FacebookUserID, hosted.Scopes = user, "2002", []string{"pages_show_list"}
	hosted.Username, hosted.Status, hosted.Fields = "a", "active", []string{"messages"}
	hosted.TokenExpires, hosted.Connected, hosted.Checked = At(at), At(at.Add(500*time.Millisecond)), At(at)
	lite.TokenExpires, lite.Connected = At(at), At(at.Add(250*time.Millisecond))
	for _, c := range []struct {
		name, body string
		want       []Connection // nil: an error
	}{
		{"PostgREST", `[{"user_id":"` + user + `","auth_user_id":"` + user + `","facebook_user_id":"2002","scopes":["pages_show_list"],
			"instagram_id":"1","username":"a","name":null,"status":"active","token_expires_at":"2026-11-22T09:30:00+00:00",
			"connected_at":"2026-11-22T10:30:00.5+01:00","checked_at":"2026-11-22T09:30:00Z","data_access_expires_at":null,
			"subscribed_fields":["messages"]}]`, []Connection{hosted}},
		{"Supabase Lite", `[{"user_id":"` + user + `","instagram_id":"1","connected_at":"2026-11-22 09:30:00.25+00",
			"token_expires_at":"2026-11-22 15:00:00+05:30"}]`, []Connection{lite}},
		{"the seed's three columns", `[{"user_id":"` + user + `","facebook_user_id":null,"instagram_id":"1","token_expires_at":null}]`,
			[]Connection{bare}},
		{"none", `[]`, []Connection{}},
		{"a date that is none", `[{"connected_at":"` + igToken + `"}]`, nil},
		{"an object", `{"id":1}`, nil},
		{"HTML", `<html>`, nil},
		{"nothing", ``, nil},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) { return answer(200, c.body), nil })
			got, err := s.OfUser(t.Context(), user)
			if c.want == nil {
				checkFailure(t, err, Error{Op: "listing the connections", Status: 200})
			} else if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("error %v, rows (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestListPages: PostgREST ends every answer at its max-rows, without a word.
// https://docs.postgrest.org/en/stable/references/api/pagination_count.html
func TestListPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		rows, maxRows int
		silent        bool // the number of rows is not told
		removed       int  // rows that somebody removes after the first page
		want, calls   int
	}{
		{"none", 0, 1000, false, 0, 0, 1},
		{"the common case", 3, 1000, false, 0, 3, 1},
		{"as many as fit", 1000, 1000, false, 0, 1000, 1},
		{"one more", 1001, 1000, false, 0, 1001, 2},
		{"many", 2500, 1000, false, 0, 2500, 3},
		{"few at once", 10, 3, false, 0, 10, 4},
		{"one at once", 5, 1, false, 0, 5, 5},
		{"more than is asked for", 1500, 5000, false, 0, 1500, 2},
		{"removed meanwhile", 10, 4, false, 6, 4, 2},
		{"mostly removed meanwhile", 10, 4, false, 9, 4, 2},
		{"nobody counts, few", 3, 1000, true, 0, 3, 1},
		{"nobody counts, many", 2000, 1000, true, 0, 2000, 3},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			calls := 0
			s := stubbed(t, newKey, func(r *http.Request) (*http.Response, error) {
				if calls++; calls == 2 {
					c.rows -= c.removed
				}
				offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
				limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
				page := []string{}
				for n := offset; n < min(c.rows, offset+min(limit, c.maxRows)); n++ {
					page = append(page, fmt.Sprintf(`{"instagram_id":"%d"}`, n))
				}
				response, total := answer(200, "["+strings.Join(page, ",")+"]"), "*"
				if counting := r.Header.Get("Prefer") == "count=exact"; counting && offset > c.rows {
					return answer(416, `{"code":"PGRST103","message":"Requested range not satisfiable"}`), nil
				} else if counting && !c.silent {
					total = strconv.Itoa(c.rows)
				}
				response.Header.Set("Content-Range", fmt.Sprintf("%d-%d/%s", offset, offset+len(page)-1, total))
				return response, nil
			})
			got, err := s.OfUser(t.Context(), user)
			if err != nil || len(got) != c.want || calls != c.calls {
				t.Fatalf("%d rows in %d calls, error %v; want %d in %d", len(got), calls, err, c.want, c.calls)
			}
			for n, row := range got {
				if row.InstagramID != strconv.Itoa(n) {
					t.Fatalf("row %d is %s", n, row.InstagramID)
				}
			}
		})
	}
}

// TestListPageFails: a list of which a page is missing is none, so that nobody takes it for whole.
func TestListPageFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := stubbed(t, newKey, func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Get("offset") != "0" {
				return answer(400, `{"code":"PGRST100","message":"no"}`), nil
			}
			first := answer(206, `[{"instagram_id":"1"}]`)
			first.Header.Set("Content-Range", "0-0/2")
			return first, nil
		})
		got, err := s.OfUser(t.Context(), user)
		if checkFailure(t, err, Error{Op: "listing the connections", Status: 400, Code: "PGRST100", Message: "no"}); got != nil {
			t.Errorf("%v came with the error", got)
		}
	})
}

// TestOpenTokens: the tokens come out, and no printing shows them.
func TestOpenTokens(t *testing.T) {
	t.Parallel()
	s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) {
		return answer(200, `[{"user_id":"`+user+`","token":"`+igToken+`","page_id":"1001","page_token":"`+pageToken+`","status":"active"},
			{"user_id":"`+otherUser+`","token":"`+igToken+`","page_id":null,"page_token":null,"status":"reconnect"}]`), nil
	})
	got, err := s.OpenTokens(t.Context(), account)
	want := []Sealed{
		{Connection{UserID: user, Account: Account{PageID: "1001", Status: "active"}}, Tokens{secret.New(igToken), secret.New(pageToken)}},
		{Connection{UserID: otherUser, Account: Account{Status: "reconnect"}}, Tokens{Token: secret.New(igToken)}},
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("reveal", secret.String.Reveal)); err != nil || diff != "" {
		t.Errorf("error %v, tokens (-want +got):\n%s", err, diff)
	}
	asJSON, err := json.Marshal([]any{got, Due{Sealed: got[0]}})
	if err != nil {
		t.Fatal(err)
	}
	checkSilent(t, fmt.Errorf("%v %+v %#v %s", got, got, got, asJSON))
}

// TestAccountJSON: whatever form a time came in, it is given out as RFC 3339 in
// UTC, and one that is missing as null. So is a text that is empty.
func TestAccountJSON(t *testing.T) {
	t.Parallel()
	var row Account
	if err := json.Unmarshal([]byte(`{"token_expires_at":"2026-11-22 10:30:00.5+01","name":null,"username":"a\"b"}`), &row); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	got := jsonValue(t, string(text)).(map[string]any)
	if got["token_expires_at"] != "2026-11-22T09:30:00.5Z" || got["connected_at"] != nil || got["name"] != nil || got["username"] != `a"b` {
		t.Errorf("%s", text)
	}
	if At(time.Time{}) != nil || At(at.In(time.FixedZone("", 3600))).Time != at {
		t.Error("At: a zero time is no null, or another is not in UTC")
	}
}

// A date that JSON cannot hold is an error, and nothing is sent.
func TestSaveImpossibleDate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) {
			t.Error("it was sent")
			return answer(201, ""), nil
		})
		row := full()
		row.TokenExpires = At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
		checkFailure(t, saved(s.Save(t.Context(), []Sealed{row})), Error{Op: "saving the connections"})
	})
}

// TestColumns: a column is added in two places, its migration and its row type.
// Each column of user_configs is a field of Connection or of Account in it, or
// is named here: it is sealed, the renewal's, or kept by the database.
func TestColumns(t *testing.T) {
	t.Parallel()
	elsewhere := append(columnsOf(reflect.TypeFor[Tokens]()),
		"token_secret_id", "page_token_secret_id", "lease_id", "connection_id", "failures", "leased_until", "retry", "token_version", "status_since", "updated_at")
	want := append(columnsOf(reflect.TypeFor[Connection]()), elsewhere...)
	got := migratedColumns(t)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-row type +migrations):\n%s", diff)
	}
}

var (
	sqlComment  = regexp.MustCompile(`--.*`)
	tableChange = regexp.MustCompile(`(?:create|alter) table public\.user_configs\b[^;]*;`)
	newColumn   = regexp.MustCompile(`(?m)^\s+(?:add column )?([a-z_]+)\s+(?:uuid|text|timestamptz|bigint|integer|boolean|jsonb)\b`)
)

// migratedColumns reads the columns of user_configs from the migrations, wherever
// these create the table or add to it.
func migratedColumns(t *testing.T) (columns []string) {
	t.Helper()
	files, err := filepath.Glob("../../supabase/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range tableChange.FindAllString(sqlComment.ReplaceAllString(string(text), ""), -1) {
			for _, column := range newColumn.FindAllStringSubmatch(change, -1) {
				columns = append(columns, column[1])
			}
		}
	}
	return columns
}
