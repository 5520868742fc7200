package connect_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

// callBack posts a signed_request to one of the callbacks.
func (d deployment) callBack(path, signedRequest string) deploytest.Answer {
	d.T.Helper()
	header := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	return d.Send("POST", path, header, url.Values{"signed_request": {signedRequest}}.Encode())
}

// twoPeople has two accounts of Ada's and one of Ben's, each with an event in the inbox.
func twoPeople(t *testing.T) deployment {
	t.Helper()
	d := onLite(t, deploytest.Brands(1, 2)...)
	d.SQL("delete from public.erasures")
	d.ConnectAgo(1)
	d.Meta.AddPerson(metasim.Person{ID: "5002", Name: "Ben", Pages: []metasim.Page{deploytest.Brand(3)}})
	d.Get(d.LogIn("", metasim.Approval{Person: "5002"}))
	d.wantAccounts("1 active, 2 active, 3 active")
	for n := 1; n <= 3; n++ {
		d.deliver(deploytest.InstagramID(n), "hello")
	}
	return d
}

// wantAccounts checks which accounts there are, by the last digit of their Instagram id, and their
// status.
func (d deployment) wantAccounts(want string) {
	d.T.Helper()
	var all []string
	for _, row := range d.SQL("select right(instagram_id, 1) || ' ' || status as account from public.user_configs order by 1") {
		all = append(all, row["account"].(string))
	}
	if got := strings.Join(all, ", "); got != want {
		d.T.Errorf("got %s, want %s", got, want)
	}
}

// wantLeft checks how many secrets of connections and events of Meta's Lite holds.
func (d deployment) wantLeft(secrets, events float64) {
	d.T.Helper()
	if got, in := d.secrets(), d.count("public.instagram_events where kind <> 'connection'"); got != secrets || in != events {
		d.T.Errorf("%v secrets and %v events, want %v and %v", got, in, secrets, events)
	}
}

func TestDeauthorize(t *testing.T) {
	for name, signing := range map[string]metasim.Signing{
		"as Meta sends it": {}, "padded": {Padded: true}, "a numeric id": {NumericID: true}, "both": {Padded: true, NumericID: true},
		"23 hours old": {IssuedAt: time.Now().Add(-23 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			d := twoPeople(t)
			if !signing.IssuedAt.IsZero() {
				d.SQL("update public.user_configs set connected_at = now() - interval '2 days'")
			}
			request := d.Meta.SignedRequest("5001", signing)
			got := d.callBack("/api/deauthorize", request)
			if got.StatusCode != http.StatusOK || got.Body != "" {
				t.Fatalf("%d %s", got.StatusCode, got.Body)
			}
			d.wantAccounts("1 reconnect, 2 reconnect, 3 active")
			d.wantLeft(2, 3) // events are not to be erased
			if row := d.Row(1); row["status_reason"] != "You removed this app at Facebook." || row["token"] != "" {
				t.Errorf("%v", row["status_reason"])
			}
			if got := d.callBack("/api/deauthorize", request); got.StatusCode != http.StatusOK {
				t.Errorf("again: %d", got.StatusCode)
			}
			d.wantAccounts("1 reconnect, 2 reconnect, 3 active")
		})
	}
}

// Who comes back is not thrown out by a request of before, delivered again.
func TestReplayedAfterReconnection(t *testing.T) {
	d := twoPeople(t)
	first := d.Meta.SignedRequest("5001", metasim.Signing{IssuedAt: time.Now().Add(-time.Minute)})
	d.SQL("update public.user_configs set connected_at = now() - interval '1 hour'")
	d.callBack("/api/deauthorize", first)
	erasure := d.Meta.SignedRequest("5001", metasim.Signing{IssuedAt: time.Now().Add(-time.Minute)})
	d.callBack("/api/deletion", erasure)
	d.wantAccounts("3 active")
	d.ConnectAgo(0)
	signature, payload, _ := strings.Cut(erasure, ".")
	for _, again := range []string{first, erasure, erasure + "=", signature + "==." + payload, signature[:5] + "\n" + signature[5:] + "." + payload} {
		d.callBack("/api/deauthorize", again)
		d.callBack("/api/deletion", again)
		if again != first {
			d.wantAccounts("1 active, 2 active, 3 active")
		}
		d.ConnectAgo(0)
	}
	if n := d.count("public.user_configs where status <> 'active' or token_secret_id is null"); n != 0 {
		t.Errorf("%v are not well", n)
	}
}

// A rotated secret still verifies.
func TestCallbackAfterRotation(t *testing.T) {
	d := twoPeople(t)
	d.Set("FB_APP_SECRET", "a-new-secret,"+deploytest.AppSecret)
	if got := d.callBack("/api/deauthorize", d.Meta.SignedRequest("5002", metasim.Signing{})); got.StatusCode != http.StatusOK {
		t.Errorf("%d %s", got.StatusCode, got.Code())
	}
	d.wantAccounts("1 active, 2 active, 3 reconnect")
}

// Somebody whom nobody knows costs nothing, and is answered like anybody.
func TestCallbackOfAStranger(t *testing.T) {
	d := twoPeople(t)
	d.SQL("update public.user_configs set facebook_user_id = null where instagram_id = $1", deploytest.InstagramID(3))
	for _, person := range []string{"999", "5", "50010"} {
		request := d.Meta.SignedRequest(person, metasim.Signing{})
		if got := d.callBack("/api/deauthorize", request); got.StatusCode != http.StatusOK {
			t.Errorf("%d", got.StatusCode)
		}
		got := d.callBack("/api/deletion", request)
		if page := d.Get(erased(t, got)); got.StatusCode != http.StatusOK || !strings.Contains(page.Body, "nothing to delete") {
			t.Errorf("%d %s", got.StatusCode, page.Body)
		}
	}
	d.wantAccounts("1 active, 2 active, 3 active")
	d.wantLeft(6, 3)
}

// erased reads Meta's answer, and returns the address of the page.
func erased(t *testing.T, got deploytest.Answer) string {
	t.Helper()
	var answer map[string]string
	if err := json.Unmarshal([]byte(got.Body), &answer); err != nil || got.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", got.StatusCode, got.Body)
	}
	code := answer["confirmation_code"]
	if _, err := uuid.Parse(code); err != nil || len(answer) != 2 || !strings.HasSuffix(answer["url"], "/api/deletion?code="+code) {
		t.Fatalf("%v", answer)
	}
	return answer["url"]
}

func TestDeletion(t *testing.T) {
	d := twoPeople(t)
	traces := []string{deploytest.InstagramID(1), deploytest.InstagramID(2), "brand_1", "5001"}
	before := d.everything()
	for _, trace := range traces {
		if !strings.Contains(before, trace) {
			t.Fatalf("%s is not there to be erased", trace)
		}
	}
	address, code, err := d.Meta.DeleteData(t.Context(), d.URL+"/api/deletion", "5001")
	if err != nil {
		t.Fatal(err)
	}
	d.wantAccounts("3 active")
	d.wantLeft(2, 1)
	if address != d.URL+"/api/deletion?code="+code {
		t.Errorf("the page is at %s", address)
	}

	// The page says what and when.
	page := d.Get(address)
	for _, text := range []string{"2 connected accounts", "2 messages", time.Now().UTC().Format("2 January 2006"), code} {
		if !strings.Contains(page.Body, text) {
			t.Errorf("the page lacks %q: %s", text, page.Body)
		}
	}
	if page.StatusCode != http.StatusOK || !isHTML(page) || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", page.StatusCode, page.Header)
	}
	d.Browser = deploytest.NewBrowser(t) // Meta's reviewer has no session
	if again := d.Get(address); again.StatusCode != http.StatusOK {
		t.Errorf("without a session: %d", again.StatusCode)
	}

	// Nothing is left that leads to the person, as soon as a worker has been told.
	d.SQL("select public.finish_instagram_events(array(select id::text from public.instagram_events where kind = 'connection'))")
	records := d.SQL("select to_jsonb(e)::text as record from public.erasures e")
	if len(records) != 1 || strings.Contains(fmt.Sprint(records, page.Body), d.User) {
		t.Errorf("%v", records)
	}
	rest := d.everything() + page.Body
	for _, trace := range traces {
		if strings.Contains(rest, trace) {
			t.Errorf("%s is left", trace)
		}
	}

	for _, junk := range []string{
		"", "?code=" + uuid.NewString(), "?code=", "?code=x", "?code=%00", "?code=" + code + "0", "?code=" + strings.Repeat("a", 5000),
		"?code=" + url.QueryEscape("' or 1=1 --"), "?code=../" + code,
	} {
		if got := d.Get("/api/deletion" + junk); got.StatusCode != http.StatusNotFound || got.Code() != "not_found" || !isHTML(got) {
			t.Errorf("%.20q: %d %s", junk, got.StatusCode, got.Code())
		}
	}
}

func isHTML(got deploytest.Answer) bool {
	return strings.HasPrefix(got.Header.Get("Content-Type"), "text/html")
}

// The same request again has the same answer and the same record.
func TestDeletionTwice(t *testing.T) {
	d := twoPeople(t)
	request := d.Meta.SignedRequest("5001", metasim.Signing{NumericID: true, Padded: true})
	first := d.callBack("/api/deletion", request)
	page := d.Get(erased(t, first))
	second := d.callBack("/api/deletion", request)
	if second.Body != first.Body || second.StatusCode != http.StatusOK {
		t.Errorf("%s, then %s", first.Body, second.Body)
	}
	if again := d.Get(erased(t, second)); again.Body != page.Body || !strings.Contains(page.Body, "2 connected accounts") {
		t.Errorf("%s", again.Body)
	}
	if n := d.count("public.erasures"); n != 1 {
		t.Errorf("%v records", n)
	}
}

// everything is all that the database holds of the project's own tables.
func (d deployment) everything() string {
	d.T.Helper()
	dump, err := d.Lite.Dump(d.T.Context())
	if err != nil {
		d.T.Fatal(err)
	}
	var all strings.Builder
	for table, rows := range dump {
		if strings.HasPrefix(table, "public.") || table == "vault.secrets" {
			all.WriteString(rows)
		}
	}
	return all.String()
}

// seedRow stores what the recipe's own upsert writes, for another user of the app, and returns the
// token. Nobody knows yet whose it is.
func (d deployment) seedRow(user string, n int, person string) (token string) {
	d.T.Helper()
	token = d.Meta.Grant(metasim.Grant{Person: person})
	d.SQL("insert into public.user_configs (user_id, instagram_id, token) values ($1, $2, $3)", user, deploytest.InstagramID(n), token)
	return token
}

// A row of the recipe's own upsert names no person. A request for deletion that comes before its first
// check reaches it with that check, also where its token died with the app's removal; one of another
// person stays.
func TestDeletionOfUnknownRows(t *testing.T) {
	for name, removed := range map[string]bool{"the token lives": false, "the app was removed": true} {
		t.Run(name, func(t *testing.T) {
			d := onLite(t, deploytest.Brands(1, 2)...)
			d.SQL("delete from public.erasures")
			d.Meta.AddPerson(metasim.Person{ID: "5002", Name: "Ben", Pages: []metasim.Page{deploytest.Brand(3)}})
			d.seedRow("ada of the app", 1, "5001")
			d.seedRow("ben of the app", 3, "5002")
			d.SQL(`select public.ingest_instagram_events(jsonb_build_array(jsonb_build_object('account', $1::text, 'key', 'm', 'kind', 'message')))`,
				deploytest.InstagramID(1))
			if removed {
				d.Meta.RemoveApp("5001")
			}
			address, _, err := d.Meta.DeleteData(t.Context(), d.URL+"/api/deletion", "5001")
			if err != nil {
				t.Fatal(err)
			}
			d.wantAccounts("1 active, 3 active")
			if got := d.Renew(); got.StatusCode != http.StatusOK {
				t.Errorf("%d %s", got.StatusCode, got.Body)
			}
			d.wantAccounts("3 active")
			d.wantLeft(1, 0)
			if page := d.Get(address); !strings.Contains(page.Body, "one connected account") || !strings.Contains(page.Body, "one message") {
				t.Errorf("the record: %s", page.Body)
			}
			if strings.Contains(d.everything(), "5001") {
				t.Error("the person is still named")
			}
		})
	}
}

// Only rows that could be the person's keep the grant when the person's last account is disconnected:
// of one that names nobody Meta says whose it is, and what a check found to be nobody's is nobody's.
func TestDisconnectBesideUnknownRows(t *testing.T) {
	for _, c := range []struct {
		name    string
		set     func(d deployment)
		revoked bool
	}{
		{"another person's", func(d deployment) { d.seedRow("ben", 3, "5002") }, true},
		{"the person's", func(d deployment) { d.seedRow("ada", 2, "5001") }, false},
		{"both", func(d deployment) { d.seedRow("ben", 3, "5002"); d.seedRow("ada", 2, "5001") }, false},
		{"another person's, of the same account", func(d deployment) { d.seedRow("ben", 1, "5002") }, true},
		{"the person's, at a checkpoint", func(d deployment) { d.Meta.Invalidate(d.seedRow("ada", 2, "5001"), 459) }, false},
		{"one whose token is not Meta's, unchecked", func(d deployment) {
			d.SQL("insert into public.user_configs (user_id, instagram_id, token) values ('ben', '9', 'made up')")
		}, false},
		{"one whose token is not Meta's, checked", func(d deployment) {
			d.SQL("insert into public.user_configs (user_id, instagram_id, token) values ('ben', '9', 'made up')")
			d.Renew()
		}, true},
		{"one without a token", func(d deployment) {
			d.SQL("insert into public.user_configs (user_id, instagram_id) values ('ben', '9')")
		}, true},
		{"Meta does not say whose it is", func(d deployment) {
			d.seedRow("ben", 3, "5002")
			d.Meta.Inject(metasim.Fault{Step: "debug_token", Status: 500})
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := onLite(t, deploytest.Brand(1))
			d.Connect()
			d.Meta.AddPerson(metasim.Person{ID: "5002", Name: "Ben", Pages: []metasim.Page{deploytest.Brand(3)}})
			c.set(d)
			d.Meta.Reset()
			d.disconnect(deploytest.InstagramID(1))
			if revoked := strings.Contains(d.Steps(), "revoke"); revoked != c.revoked {
				t.Errorf("revoked: %v; at Meta: %s\n%s", revoked, d.Steps(), d.Watch.Log())
			}
		})
	}
}
