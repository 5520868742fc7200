package faultproxy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

// server is a Supabase Lite that deployments share, with users who take turns: signing up is slow.
type server struct {
	*supalite.Server
	idle chan supalite.User
}

// startServers starts Supabase Lites, which the end of the test stops.
func startServers(t *testing.T, n int) []*server {
	t.Helper()
	servers := make([]*server, n)
	for i := range servers {
		servers[i] = &server{supalitetest.Start(t, supalite.Options{}), make(chan supalite.User, 1000)}
	}
	return servers
}

// borrowUser returns a user without connections, for whom nobody else acts until the test ends.
func (s *server) borrowUser(t *testing.T) (user supalite.User) {
	t.Helper()
	select {
	case user = <-s.idle:
	default:
		var err error
		if user, err = s.SignUp(t.Context(), uuid.NewString()+"@example.com", "a-password-for-tests"); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { s.idle <- user })
	return user
}

// deployment is the functions for one cell, with a user, a person and ids of its own.
type deployment struct {
	*deploytest.Deployment
	number    string          // in every id
	codes     []string        // of erasures
	oldTokens map[string]bool // that stood in the tables before the flow
}

var deployments atomic.Int64

// deadPageToken stands in the tables before a renewal.
const deadPageToken = "a-token-of-the-Page-that-died"

func (m *matrix) deploy(t *testing.T, on *server, f flow) *deployment {
	t.Helper()
	d := &deployment{number: fmt.Sprint(100000 + deployments.Add(1))}
	user, person := on.borrowUser(t), f.person(d)
	d.Deployment = deploytest.New(t, deploytest.Options{Lite: on.Server, User: &user, Person: &person, Authority: authority, Settings: f.settings})
	d.Faults.Elsewhere = m.elsewhere
	d.Watch.Know(map[string]string{"the dead Page token": deadPageToken})
	return d
}

func (d *deployment) personID() string { return "5" + d.number }

func (d *deployment) pageID(n int) string { return fmt.Sprintf("2%s%d", d.number, n) }

func (d *deployment) instagramID(n int) string { return fmt.Sprintf("17841%s%d", d.number, n) }

// brand is a Page with its Instagram account.
func (d *deployment) brand(n int) metasim.Page {
	account := &metasim.Instagram{ID: d.instagramID(n), Username: fmt.Sprint("brand_", n)}
	return metasim.Page{ID: d.pageID(n), Name: fmt.Sprint("Page ", n), Instagram: account}
}

// connect connects all that the person has, as so many days ago.
func (d *deployment) connect(days int) {
	d.Meta.Jump(time.Duration(-days) * 24 * time.Hour)
	d.ConnectAll()
	d.Meta.Jump(time.Duration(days) * 24 * time.Hour)
}

// deliver returns a delivery to account 1 of messages with these ids.
func (d *deployment) deliver(mids ...string) act {
	var events []metasim.Event
	for _, mid := range mids {
		events = append(events, metasim.Message(mid, d.instagramID(1), "Hello"))
	}
	body := d.Meta.Delivery(d.instagramID(1), events...)
	return func() answer {
		return d.Send("POST", "/api/webhook", map[string]string{"X-Hub-Signature-256": d.Meta.Sign(body)}, string(body))
	}
}

// callback returns a call that Meta makes to path about the person, who has connected an account
// and got a message there.
func (d *deployment) callback(path string) act {
	d.connect(1)
	d.deliver("77001")()
	request := d.Meta.SignedRequest(d.personID(), metasim.Signing{})
	code := uuid.NewSHA1(uuid.NameSpaceURL, []byte(request)) // as lib/webhook makes it
	d.codes = []string{code.String()}
	return func() answer {
		form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
		return d.Send("POST", path, form, url.Values{"signed_request": {request}}.Encode())
	}
}

// endLeases lets the next renewal be tomorrow.
func (d *deployment) endLeases() {
	d.SQL("update public.user_configs set leased_until = now() where user_id = $1 and leased_until is not null", d.User)
}

func (d *deployment) saved(a answer) bool {
	return a.StatusCode == http.StatusSeeOther && strings.Contains(a.Location(), "connected="+d.instagramID(1))
}

func (d *deployment) confirmed(a answer) bool {
	return a.StatusCode == http.StatusOK && strings.Contains(a.Body, d.codes[0])
}

// stateSQL reads everything that a user has in the tables and in Vault, and the records of
// erasures.
const stateSQL = `
	select coalesce((
		select json_agg(json_build_object(
			'account', c.instagram_id, 'page', c.page_id, 'person', c.facebook_user_id,
			'status', c.status, 'reason', c.status_reason, 'scopes', c.scopes,
			'fields', c.subscribed_fields, 'refused', c.subscription_error is not null,
			'ends', c.token_expires_at > now(), 'reads', c.data_access_expires_at > now(),
			'checked', c.checked_at > now() - interval '1 hour',
			'leased', c.leased_until is not null and c.leased_until > now(),
			'token', t.token, 'page_token', t.page_token
		) order by c.instagram_id)
		from public.user_configs c
		left join lateral public.get_instagram_token(c.instagram_id) t on t.user_id = c.user_id
		where c.user_id::text = $1), '[]') as rows,
	(select count(*)::int from vault.secrets where name like 'user_configs/' || $1 || '/%') as secrets,
	(select coalesce(json_agg(e.kind || ' for ' || e.instagram_id order by e.instagram_id, e.key), '[]')
		from public.instagram_events e where e.user_id::text = $1 and e.kind <> 'connection') as events,
	(select coalesce(json_agg(format('%s accounts, %s events', x.accounts, x.events)), '[]')
		from public.erasures x where x.code::text = any ($2)) as erased`

// state is what the tables hold of the user, one line a thing, without what differs by the run.
func (d *deployment) state() string {
	d.T.Helper()
	encoded, err := json.Marshal(d.SQL(stateSQL, d.User, append([]string{}, d.codes...))[0])
	if err != nil {
		d.T.Fatal(err)
	}
	var content struct {
		Rows []struct {
			Account, Page, Person, Status, Reason string
			Fields, Scopes                        []string
			Refused, Ends, Reads, Checked, Leased bool
			Token                                 string
			PageToken                             string `json:"page_token"`
		}
		Secrets        int
		Events, Erased []string
	}
	if err := json.Unmarshal(encoded, &content); err != nil {
		d.T.Fatal(err)
	}
	if d.oldTokens == nil { // the first time: these are the old ones
		d.oldTokens = map[string]bool{}
		for _, r := range content.Rows {
			d.oldTokens[r.Token], d.oldTokens[r.PageToken] = true, true
		}
	}
	var lines []string
	for _, r := range content.Rows {
		if len(content.Rows) > 2 { // which of many come first is chance
			r.Account, r.Page = "many", "many"
		}
		lines = append(lines, fmt.Sprintf("%s of Page %s and person %s: %s (%s); token %s; page token %s; %s; %s; ends %s; data access %s; %s; %s; scopes %s",
			r.Account, r.Page, r.Person, r.Status, r.Reason, d.tokenState(r.Token), d.tokenState(r.PageToken),
			orNot(len(r.Fields) > 0, "subscribed"), orNot(r.Refused, "refusal noted"), orNot(r.Ends, "known"), orNot(r.Reads, "known"),
			orNot(r.Checked, "checked"), orNot(r.Leased, "leased"), strings.Join(r.Scopes, ",")))
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	for _, event := range content.Events {
		lines = append(lines, "event: "+event)
	}
	for _, erased := range content.Erased {
		lines = append(lines, "erased: "+erased)
	}
	lines = append(lines, fmt.Sprint(content.Secrets, " secrets"))
	return strings.ReplaceAll(strings.Join(lines, "\n"), d.number, "……")
}

func orNot(is bool, word string) string {
	if is {
		return word
	}
	return "not " + word
}

// tokenState says which token it is, and whether Meta takes it.
func (d *deployment) tokenState(token string) string {
	switch {
	case token == "":
		return "none"
	case d.oldTokens[token]:
		return "old"
	case slices.Contains(d.Meta.Secrets(), token) && d.IsAlive(token):
		return "new"
	}
	return "useless"
}
