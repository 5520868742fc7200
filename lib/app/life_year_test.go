package app_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
)

const (
	consentOver = "Your consent at Facebook has run out."
	willReturn  = 3 // days until a person who cares reconnects what is not well
)

// misfortune is something that happens to a person at Meta.
type misfortune struct {
	strike func(y *year, p *person)
	reason string // of the loss; "": none
}

var misfortunes = map[string]misfortune{
	"password":   {func(y *year, p *person) { y.meta.ChangePassword(p.id) }, "You changed your Facebook password."},
	"removal":    {func(y *year, p *person) { y.meta.RemoveApp(p.id) }, "You removed this app at Facebook."},
	"checkpoint": {func(y *year, p *person) { y.meta.Checkpoint(p.id) }, "Facebook wants you to log in there and confirm that it is you."},
	"unconfirm":  {func(y *year, p *person) { y.meta.Unconfirm(p.id) }, "Your Facebook account is not confirmed."},
	"role":       {func(y *year, p *person) { y.meta.LoseRole(p.id, p.page.ID) }, "You no longer have a role on the Facebook Page."},
	"scope": {func(y *year, p *person) { y.meta.Decline(p.id, "instagram_manage_messages") },
		"A permission was taken back at Meta: instagram_manage_messages."},
	"expiry": {func(y *year, p *person) { y.meta.Expire(y.row(p)["token"].(string)) }, "The access has run out."},
	"vault": {func(y *year, p *person) {
		y.sql("delete from vault.secrets where name = 'user_configs/' || $1 || '/' || $2", y.user.ID, p.page.Instagram.ID)
	}, "We no longer hold a key for this account."},
	"deauthorization": {func(y *year, p *person) {
		if status, err := y.meta.Deauthorize(y.t.Context(), y.url+"/api/deauthorize", p.id); err != nil || status != http.StatusOK {
			y.t.Fatalf("deauthorize answered %d: %v", status, err)
		}
	}, "You removed this app at Facebook."},
	"erasure": {func(y *year, p *person) {
		if _, _, err := y.meta.DeleteData(y.t.Context(), y.url+"/api/deletion", p.id); err != nil {
			y.t.Fatal(err)
		}
		p.erased = true
	}, "erased"},
	"subscription": {func(y *year, p *person) { y.meta.DropSubscription(p.page.ID) }, ""},
}

// person has one account, and a fate: what happens on which day.
type person struct {
	id    string
	page  metasim.Page
	cares bool // reconnects what is not well
	fate  map[int]string

	consented time.Time
	lost      string // the reason for which it is dead at Meta; "" while it could live
	erased    bool
	unwell    int            // days that it has not been active
	connected map[string]any // the row as the last connection left it
}

// couldLive tells whether nothing stands in the way of the connection.
func (p *person) couldLive(now time.Time) bool {
	return p.lost == "" && now.Before(p.consented.Add(90*oneDay))
}

// why is the right reason of a dead connection.
func (p *person) why() string {
	if p.lost != "" {
		return p.lost
	}
	return consentOver
}

type year struct {
	*deployment
	day    int
	people []*person
	status map[string]string // of yesterday evening, by account
}

// weather is what Meta is like on a day.
type weather int

const (
	fair   weather = iota
	stormy         // it fails: nothing may change
	busy           // it throttles, or fails now and then: not all are checked
)

func (y *year) weather() weather {
	y.meta.Clear()
	y.meta.SetUsage(0)
	y.meta.SetRenewalExtends(y.day < 100 || y.day > 160)
	html := "<html>Sorry, something went wrong.</html>"
	switch y.day {
	case 50, 51:
		y.meta.Order(metasim.Order{Status: 500})
		return stormy
	case 140:
		y.meta.Order(metasim.Order{Body: &html, Status: 502, ContentType: "text/html"})
		return stormy
	case 220:
		y.meta.Order(metasim.Order{Step: "debug_token", Status: 503})
		return stormy
	case 75, 76, 77, 301:
		y.meta.SetUsage(95)
		return busy
	case 180, 181:
		y.meta.Order(metasim.Order{Step: "debug_token", Skip: 10})
		y.meta.Order(metasim.Order{Code: 80001})
		return busy
	case 47, 230, 231:
		y.meta.Order(metasim.Order{Status: 500, Times: 40})
		return busy
	}
	return fair
}

// TestYear moves Meta's clock day by day over a year, with a renewal each day,
// over 50 connections with mixed fates. The database's clock stands still, so
// that all are made due by hand; all that is judged is the functions' doing.
func TestYear(t *testing.T) {
	y := &year{deployment: deploy(t), status: map[string]string{}}
	y.sql("delete from public.user_configs")
	y.populate()
	for _, p := range y.people {
		y.reconnect(p)
	}
	for y.day = 1; y.day <= 365 && !t.Failed(); y.day++ {
		y.meta.Jump(oneDay)
		y.meta.Reset()
		y.strike()
		y.sql("update public.user_configs set checked_at = now() - interval '24 hours', leased_until = now()")
		weather := y.weather()
		run := y.renew()
		y.meta.Clear()
		y.meta.SetUsage(0)
		y.judge(weather, run.Remaining)
		y.react()
	}
	y.judgeEnd()
}

// populate draws up the fates.
func (y *year) populate() {
	add := func(n int, cares bool, fate map[int]string) {
		for range n {
			i := len(y.people)
			p := &person{id: fmt.Sprint(7000 + i), page: brand(i), cares: cares, fate: map[int]string{}}
			for day, what := range fate {
				p.fate[day+i%7] = what
			}
			y.people = append(y.people, p)
			y.meta.AddPerson(metasim.Person{ID: p.id, Name: "Person " + p.id, Pages: []metasim.Page{p.page}})
		}
	}
	const cares, careless = true, false
	add(10, cares, nil)
	add(3, careless, nil)
	add(3, cares, map[int]string{20: "password", 110: "password", 290: "password"})
	add(2, careless, map[int]string{30: "password"})
	add(2, cares, map[int]string{43: "role", 210: "role"})
	add(1, careless, map[int]string{45: "role"})
	add(2, cares, map[int]string{60: "removal", 150: "removal"})
	add(1, careless, map[int]string{49: "removal"})
	add(2, cares, map[int]string{70: "deauthorization", 175: "deauthorization"})
	add(1, careless, map[int]string{12: "deauthorization"})
	add(2, cares, map[int]string{72: "erasure"})
	add(1, careless, map[int]string{65: "erasure"})
	add(1, cares, map[int]string{33: "checkpoint", 215: "unconfirm"})
	add(1, careless, map[int]string{33: "checkpoint"})
	add(2, cares, map[int]string{15: "scope", 190: "scope"})
	add(1, careless, map[int]string{17: "scope"})
	add(4, cares, map[int]string{10: "subscription", 71: "subscription", 135: "subscription", 228: "subscription", 330: "subscription"})
	add(1, careless, map[int]string{40: "subscription"})
	add(2, cares, map[int]string{25: "vault", 130: "expiry", 320: "vault"})
	add(1, careless, map[int]string{50: "expiry"})
	add(7, cares, map[int]string{10: "password", 118: "removal", 170: "role", 240: "checkpoint", 310: "scope", 340: "deauthorization"})
}

// strike lets happen what the day brings to those who have something to lose.
func (y *year) strike() {
	for _, p := range y.people {
		m, comes := misfortunes[p.fate[y.day]]
		if !comes || !p.couldLive(y.meta.Now()) {
			continue
		}
		m.strike(y, p)
		p.lost = m.reason
	}
}

// react lets those who care reconnect what has not been well for some days.
func (y *year) react() {
	for _, p := range y.people {
		if p.unwell < willReturn || !p.cares {
			continue
		}
		y.meta.AddPerson(metasim.Person{ID: p.id, Name: "Person " + p.id, Pages: []metasim.Page{p.page}}) // with the role again
		y.reconnect(p)
	}
}

func (y *year) reconnect(p *person) {
	y.connect(p.id, p.page.Instagram.ID)
	p.consented, p.lost, p.erased, p.unwell = y.meta.Now(), "", false, 0
	row := y.row(p)
	if row["status"] != "active" || !y.works(p.page.ID, row["token"].(string), row["page_token"].(string)) {
		y.t.Errorf("day %d, %s was reconnected and is %v", y.day, p.page.Name, row["status"])
	}
	p.connected, y.status[p.page.Instagram.ID] = row, "active"
}

const rowQuery = `select c.instagram_id, c.status, coalesce(c.status_reason, '') as reason, c.checked_at > now() - interval '1 hour' as checked,
	extract(epoch from c.token_expires_at)::float8 as expires, c.lease_id is not null as leased, coalesce(c.subscription_error, '') as subscription_error,
	coalesce(t.decrypted_secret, '') as token, coalesce(g.decrypted_secret, '') as page_token,
	c.user_id, c.page_id, c.page_name, c.username, c.name, c.picture_url, c.facebook_user_id, c.connected_at::text as connected_at
	from public.user_configs c left join vault.decrypted_secrets t on t.id = c.token_secret_id left join vault.decrypted_secrets g on g.id = c.page_token_secret_id`

func (y *year) row(p *person) map[string]any {
	y.t.Helper()
	rows := y.sql(rowQuery+" where c.instagram_id = $1", p.page.Instagram.ID)
	if len(rows) != 1 {
		y.t.Fatalf("day %d: %d rows of %s", y.day, len(rows), p.page.Name)
	}
	return rows[0]
}

// judge compares the table with what is so at Meta, in the evening.
func (y *year) judge(weather weather, remaining int) {
	rows := map[string]map[string]any{}
	for _, row := range y.sql(rowQuery) {
		rows[row["instagram_id"].(string)] = row
	}
	if weather == fair && remaining != 0 {
		y.t.Errorf("day %d: %d are left", y.day, remaining)
	}
	for _, p := range y.people {
		row, there := rows[p.page.Instagram.ID]
		delete(rows, p.page.Instagram.ID)
		switch {
		case there == p.erased:
			y.t.Errorf("day %d, %s: there %v, erased %v", y.day, p.page.Name, there, p.erased)
		case there:
			y.judgeRow(p, row, weather)
		default:
			p.unwell++
		}
	}
	if len(rows) != 0 {
		y.t.Errorf("day %d: %d rows of nobody", y.day, len(rows))
	}
}

func (y *year) judgeRow(p *person, row map[string]any, weather weather) {
	wrong := func(format string, args ...any) {
		y.t.Helper()
		y.t.Errorf("day %d, %s, %v (%v), fate %v: %s", y.day, p.page.Name, row["status"], row["reason"], p.fate, fmt.Sprintf(format, args...))
	}
	now, status, before := y.meta.Now(), row["status"].(string), y.status[p.page.Instagram.ID]
	works := y.works(p.page.ID, row["token"].(string), row["page_token"].(string))
	called := p.lost == misfortunes["deauthorization"].reason // by a callback: at once, in any weather

	if p.couldLive(now) != works {
		wrong("could live %v, works %v", p.couldLive(now), works)
	}
	if status == "reconnect" && (works || row["reason"] != p.why()) {
		wrong("works %v, the right reason is %q", works, p.why())
	}
	if weather == stormy && status != before && !called {
		wrong("was %s before the storm", before)
	}
	if weather == fair {
		if works == (status == "reconnect") {
			wrong("works %v", works)
		}
		if before != "reconnect" && row["checked"] != true && !called {
			wrong("not checked")
		}
		if works {
			y.judgeAlive(p, row, wrong)
		}
	}
	for _, column := range []string{"user_id", "page_id", "page_name", "username", "name", "picture_url", "facebook_user_id", "connected_at"} {
		if row[column] != p.connected[column] {
			wrong("%s changed from %v to %v", column, p.connected[column], row[column])
		}
	}
	if status == "active" {
		p.unwell = 0
	} else {
		p.unwell++
	}
	y.status[p.page.Instagram.ID] = status
}

// judgeAlive checks a connection that works, after a day on which Meta
// answered: its dates, its warning, and its Page's subscription.
func (y *year) judgeAlive(p *person, row map[string]any, wrong func(string, ...any)) {
	ends, consent := time.Unix(int64(row["expires"].(float64)), 0), p.consented.Add(90*oneDay)
	soon := y.meta.Now().Add(14 * oneDay)
	want := ""
	switch {
	case ends.Before(soon):
		want = "Meta did not prolong the access. Reconnect before " + ends.UTC().Format("2 January 2006") + "."
	case consent.Before(soon):
		want = "Meta asks for your consent again. Reconnect before " + consent.UTC().Format("2 January 2006") + "."
	}
	if row["reason"] != want || (row["status"] == "expiring") != (want != "") {
		wrong("want the warning %q", want)
	}
	if prolonged := y.day < 100 || y.day > 175; prolonged && ends.Before(soon) {
		wrong("ends on %v and could have been renewed", ends)
	}
	if fields, _ := y.readable(p.page.ID, row["page_token"].(string)); !slices.Equal(fields, []string{"feed"}) || row["subscription_error"] != "" {
		wrong("subscribed to %v, %v", fields, row["subscription_error"])
	}
	if row["leased"] == true {
		wrong("still leased")
	}
}

// judgeEnd checks that those who care have kept their connections, and that
// the others have lost them for the right reason.
func (y *year) judgeEnd() {
	lost := map[string]int{}
	for _, p := range y.people {
		switch {
		case p.erased:
			lost["erased"]++
		case p.cares && !p.couldLive(y.meta.Now()) && p.unwell > willReturn:
			y.t.Errorf("%s cares and has lost the connection", p.page.Name)
		case !p.cares:
			row := y.row(p)
			if row["status"] != "reconnect" || row["reason"] != p.why() {
				y.t.Errorf("%s: %v (%v)", p.page.Name, row["status"], row["reason"])
			}
			lost[row["reason"].(string)]++
		}
	}
	var told []string
	for _, reason := range slices.Sorted(maps.Keys(lost)) {
		told = append(told, fmt.Sprint(lost[reason], " ", reason))
	}
	y.t.Logf("lost: %s", strings.Join(told, "; "))
	attention := y.sql("select 1 from public.connections_needing_attention")
	unwell := y.sql("select 1 from public.user_configs where status <> 'active'")
	if len(attention) != len(unwell) {
		y.t.Errorf("%d need attention, %d are not active", len(attention), len(unwell))
	}
}
