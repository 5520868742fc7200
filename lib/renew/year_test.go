package renew_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite/supalitetest"
	"igconnect/lib/config"
	"igconnect/lib/renew"
)

const returnsIn = 3 // days until a person who cares reconnects what is not well

// loss is a way to lose an account.
type loss struct {
	happens func(y *year, p *person)
	reason  string // that the connection must show; "": it lives on
}

var losses = map[string]loss{
	"password":   {func(y *year, p *person) { y.Meta.ChangePassword(p.id) }, "You changed your Facebook password."},
	"removal":    {func(y *year, p *person) { y.Meta.RemoveApp(p.id) }, "You removed this app at Facebook."},
	"checkpoint": {func(y *year, p *person) { y.Meta.Checkpoint(p.id) }, "Facebook wants you to log in there and confirm that it is you."},
	"unconfirm":  {func(y *year, p *person) { y.Meta.Unconfirm(p.id) }, "Your Facebook account is not confirmed."},
	"role":       {func(y *year, p *person) { y.Meta.LoseRole(p.id, p.page.ID) }, "You no longer have a role on the Facebook Page."},
	"scope":      {func(y *year, p *person) { y.Meta.Decline(p.id, "instagram_manage_messages") }, "A permission was taken back at Meta: instagram_manage_messages."},
	"expiry":     {func(y *year, p *person) { y.Meta.Expire(y.Row(p.number)["token"].(string)) }, "The access has run out."},
	"vault": {func(y *year, p *person) {
		y.SQL("delete from vault.secrets where name = 'user_configs/' || $1 || '/' || $2", y.User, p.page.Instagram.ID)
	}, "We no longer hold a key for this account."},
	"deauthorization": {func(y *year, p *person) {
		if status, err := y.Meta.Deauthorize(y.T.Context(), y.URL+"/api/deauthorize", p.id); err != nil || status != http.StatusOK {
			y.T.Fatalf("deauthorize answered %d: %v", status, err)
		}
	}, "You removed this app at Facebook."},
	"erasure": {func(y *year, p *person) {
		if _, _, err := y.Meta.DeleteData(y.T.Context(), y.URL+"/api/deletion", p.id); err != nil {
			y.T.Fatal(err)
		}
		p.erased = true
	}, "erased"},
	"subscription": {func(y *year, p *person) { y.Meta.DropSubscription(p.page.ID) }, ""},
}

// person has one account.
type person struct {
	id     string
	number int // of the Page and its account, see [deploytest.Brand]
	page   metasim.Page
	cares  bool           // reconnects what is not well
	losses map[int]string // by day

	consented time.Time
	lost      string // the reason for which the connection is dead at Meta; "" while it could live
	erased    bool
	unwell    int            // days that the connection has not been active
	connected map[string]any // the row as the last connection left it
	status    string         // of the evening before
}

// couldLive reports whether nothing stands in the way of the connection.
func (p *person) couldLive(now time.Time) bool {
	return p.lost == "" && now.Before(p.consented.Add(90*oneDay))
}

const consentOver = "Your consent at Facebook has run out."

// why is the right reason of a dead connection. One that is tried again each day, because it may be
// mended, is found without consent in the end.
func (p *person) why(reason any, now time.Time) string {
	tried := p.lost == losses["role"].reason || p.lost == losses["scope"].reason
	if tried && reason == consentOver && !now.Before(p.consented.Add(90*oneDay)) {
		return consentOver
	}
	return cmp.Or(p.lost, consentOver)
}

// year is a deployment whose clock is Meta's.
type year struct {
	deployment
	day    int
	people []*person
}

// behaviour is how Meta answers on a day.
type behaviour int

const (
	answers behaviour = iota
	fails             // nothing may change
	partly            // it throttles, or fails now and then: not all are checked
)

// behave has Meta behave as it does on the day, and returns how.
func (y *year) behave() behaviour {
	y.Meta.ClearFaults()
	y.Meta.SetUsage(0)
	y.Meta.SetRenewalExtends(y.day < 100 || y.day > 160)
	switch y.day {
	case 50, 51:
		y.Meta.Inject(metasim.Fault{Status: 500})
		return fails
	case 140:
		y.Meta.Inject(metasim.Fault{Body: new("<html>Sorry, something went wrong.</html>"), Status: 502, ContentType: "text/html"})
		return fails
	case 220:
		y.Meta.Inject(metasim.Fault{Step: "debug_token", Status: 503})
		return fails
	case 75, 76, 77, 301:
		y.Meta.SetUsage(95)
		return partly
	case 180, 181:
		y.Meta.Inject(metasim.Fault{Step: "debug_token", Skip: 10})
		y.Meta.Inject(metasim.Fault{Code: 80001})
		return partly
	case 47, 230, 231:
		y.Meta.Inject(metasim.Fault{Status: 500, Times: 40})
		return partly
	}
	return answers
}

// TestYear moves Meta's clock day by day over a year, with a renewal each day, over 35 connections
// that are lost in different ways. The database's clock stands still, so that all are made due by
// hand; all that is checked is the functions' doing.
func TestYear(t *testing.T) {
	y := &year{deployment: deployment{deploytest.New(t, deploytest.Options{
		Lite: supalitetest.Shared(t), Now: func(meta *metasim.Sim) func() time.Time { return meta.Now },
	})}}
	y.addPeople()
	for _, p := range y.people {
		y.reconnect(p)
	}
	for y.day = 1; y.day <= 365 && !t.Failed(); y.day++ {
		y.Meta.Jump(oneDay)
		y.Meta.Reset()
		y.lose()
		y.SQL("update public.user_configs set checked_at = now() - interval '24 hours', leased_until = now()")
		today := y.behave()
		result := y.resultOf(y.Renew())
		y.Meta.ClearFaults()
		y.Meta.SetUsage(0)
		y.check(today, result)
		y.reconnectUnwell()
	}
	y.checkEnd()
}

// addPeople adds those who care and those who don't, with what happens to them on which day: some
// days later for each next one, so that not all is lost at once.
func (y *year) addPeople() {
	add := func(n int, cares bool, losses map[int]string) {
		for range n {
			i := len(y.people)
			p := &person{id: fmt.Sprint(7000 + i), number: i, page: deploytest.Brand(i), cares: cares, losses: map[int]string{}}
			for day, what := range losses {
				p.losses[day+i%7] = what
			}
			y.people = append(y.people, p)
			y.addToMeta(p)
		}
	}
	const cares, careless = true, false
	add(4, cares, nil)
	add(1, careless, nil)
	add(2, cares, map[int]string{20: "password", 110: "password", 290: "password"})
	add(1, careless, map[int]string{30: "password"})
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
	add(2, cares, map[int]string{10: "subscription", 71: "subscription", 135: "subscription", 228: "subscription", 330: "subscription"})
	add(1, careless, map[int]string{40: "subscription"})
	add(2, cares, map[int]string{25: "vault", 130: "expiry", 320: "vault"})
	add(1, careless, map[int]string{50: "expiry"})
	add(4, cares, map[int]string{10: "password", 118: "removal", 170: "role", 240: "checkpoint", 310: "scope", 340: "deauthorization"})
}

// addToMeta gives the person the Page, and the role there.
func (y *year) addToMeta(p *person) {
	y.Meta.AddPerson(metasim.Person{ID: p.id, Name: "Person " + p.id, Pages: []metasim.Page{p.page}})
}

// lose lets those lose their account today who have something to lose.
func (y *year) lose() {
	for _, p := range y.people {
		if loss, comes := losses[p.losses[y.day]]; comes && p.couldLive(y.Meta.Now()) {
			loss.happens(y, p)
			p.lost = loss.reason
		}
	}
}

// reconnectUnwell lets those who care reconnect what has not been well for some days.
func (y *year) reconnectUnwell() {
	for _, p := range y.people {
		if p.unwell >= returnsIn && p.cares {
			y.addToMeta(p)
			y.reconnect(p)
		}
	}
}

func (y *year) reconnect(p *person) {
	id := p.page.Instagram.ID
	y.WantRedirect(y.Get(y.LogIn("?instagram_id="+id, metasim.Approval{Person: p.id})), http.StatusSeeOther, "/?connected="+id)
	p.consented, p.lost, p.erased, p.unwell, p.status = y.Meta.Now(), "", false, 0, "active"
	p.connected = y.Row(p.number)
	if p.connected["status"] != "active" || !y.works(p, p.connected) {
		y.T.Errorf("day %d, %s was reconnected and is %v", y.day, p.page.Name, p.connected["status"])
	}
}

// works reports whether a connection's tokens do at Meta what we need them for.
func (y *year) works(p *person, row map[string]any) bool {
	var permissions struct {
		Data []struct{ Permission, Status string }
	}
	if !y.AskMeta("/me/permissions", row["token"].(string), nil, &permissions) {
		return false
	}
	missing := slices.Clone(config.RequiredScopes)
	for _, each := range permissions.Data {
		missing = slices.DeleteFunc(missing, func(scope string) bool { return scope == each.Permission && each.Status == "granted" })
	}
	_, ok := y.subscribed(p, row)
	return ok && len(missing) == 0
}

// subscribed reports what the Page is subscribed to, and whether its token serves it.
func (y *year) subscribed(p *person, row map[string]any) (fields []string, ok bool) {
	var answer struct {
		Data []struct {
			Fields []string `json:"subscribed_fields"`
		}
	}
	ok = y.AskMeta("/"+p.page.ID+"/subscribed_apps", row["page_token"].(string), nil, &answer)
	for _, of := range answer.Data {
		fields = append(fields, of.Fields...)
	}
	return fields, ok
}

// check compares the table with what is so at Meta, in the evening.
func (y *year) check(today behaviour, result renew.Result) {
	rows := y.Rows()
	if today == answers && result.Remaining != 0 {
		y.T.Errorf("day %d: %d are left", y.day, result.Remaining)
	}
	for _, p := range y.people {
		row, there := rows[p.page.Instagram.ID]
		delete(rows, p.page.Instagram.ID)
		switch {
		case there == p.erased:
			y.T.Errorf("day %d, %s: there %v, erased %v", y.day, p.page.Name, there, p.erased)
		case there:
			y.checkRow(p, row, today)
		default:
			p.unwell++
		}
	}
	if len(rows) != 0 {
		y.T.Errorf("day %d: %d rows of nobody", y.day, len(rows))
	}
}

func (y *year) checkRow(p *person, row map[string]any, today behaviour) {
	wrong := func(format string, args ...any) {
		y.T.Helper()
		y.T.Errorf("day %d, %s, %v (%v), losses %v: %s", y.day, p.page.Name, row["status"], row["status_reason"], p.losses, fmt.Sprintf(format, args...))
	}
	now, status, works := y.Meta.Now(), row["status"].(string), y.works(p, row)
	called := p.lost == losses["deauthorization"].reason // by a callback: at once, whatever Meta is like

	if p.couldLive(now) != works {
		wrong("could live %v, works %v", p.couldLive(now), works)
	}
	if status == "reconnect" && (works || row["status_reason"] != p.why(row["status_reason"], now)) {
		wrong("works %v, the right reason is %q", works, p.why(row["status_reason"], now))
	}
	if today == fails && status != p.status && !called {
		wrong("was %s before Meta failed", p.status)
	}
	if today == answers {
		if works == (status == "reconnect") {
			wrong("works %v", works)
		}
		if p.status != "reconnect" && row["checked"] != true && !called {
			wrong("not checked")
		}
		if works {
			y.checkAlive(p, row, wrong)
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
	p.status = status
}

// checkAlive checks a connection that works, after a day on which Meta answered: its dates, its
// warning, and its Page's subscription.
func (y *year) checkAlive(p *person, row map[string]any, wrong func(string, ...any)) {
	ends, consent := time.Unix(int64(row["expires"].(float64)), 0), p.consented.Add(90*oneDay)
	soon := y.Meta.Now().Add(14 * oneDay)
	want := ""
	switch {
	case ends.Before(soon):
		want = "Meta did not prolong the access. Reconnect before " + ends.UTC().Format("2 January 2006") + "."
	case consent.Before(soon):
		want = "Meta asks for your consent again. Reconnect before " + consent.UTC().Format("2 January 2006") + "."
	}
	if row["status_reason"] != want || (row["status"] == "expiring") != (want != "") {
		wrong("want the warning %q", want)
	}
	if extends := y.day < 100 || y.day > 175; extends && ends.Before(soon) {
		wrong("ends on %v and could have been renewed", ends)
	}
	if fields, _ := y.subscribed(p, row); !slices.Equal(fields, []string{"feed"}) || row["subscription_error"] != "" {
		wrong("subscribed to %v, %v", fields, row["subscription_error"])
	}
	if row["leased"] == true {
		wrong("still leased")
	}
}

// checkEnd checks that those who care have kept their connections, and that the others have lost
// them for the right reason.
func (y *year) checkEnd() {
	lost := map[string]int{}
	for _, p := range y.people {
		switch {
		case p.erased:
			lost["erased"]++
		case p.cares && !p.couldLive(y.Meta.Now()) && p.unwell > returnsIn:
			y.T.Errorf("%s cares and has lost the connection", p.page.Name)
		case !p.cares:
			row := y.Row(p.number)
			if row["status"] != "reconnect" || row["status_reason"] != p.why(row["status_reason"], y.Meta.Now()) {
				y.T.Errorf("%s: %v (%v)", p.page.Name, row["status"], row["status_reason"])
			}
			lost[row["status_reason"].(string)]++
		}
	}
	var told []string
	for _, reason := range slices.Sorted(maps.Keys(lost)) {
		told = append(told, fmt.Sprint(lost[reason], " ", reason))
	}
	y.T.Logf("lost: %s", strings.Join(told, "; "))
	attention := y.SQL("select 1 from public.connections_needing_attention")
	unwell := y.SQL("select 1 from public.user_configs where status <> 'active'")
	if len(attention) != len(unwell) {
		y.T.Errorf("%d need attention, %d are not active", len(attention), len(unwell))
	}
}
