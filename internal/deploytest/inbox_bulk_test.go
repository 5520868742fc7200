package deploytest_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

// TestBulk delivers 2,400 events at once to a PostgreSQL, as often as Meta has to: each is stored once,
// in the order of the delivery.
func TestBulk(t *testing.T) {
	l := newLoad(t)
	const each, people = 300, 20
	at := time.Now().Add(-time.Hour) // of all: so that the place decides
	var entries []metasim.Entry
	for n := range loadSenders {
		account := deploytest.InstagramID(n)
		entries = append(entries, metasim.Entry{Account: account, Events: metasim.Batch(each, func(i int) metasim.Event {
			return metasim.Message(fmt.Sprint("person", i%people), account, strconv.Itoa(i)).At(at)
		})})
	}
	body := l.Meta.DeliveryOf(entries...)
	for range 2 { // and once more, as if the answer had been lost
		if err := l.Meta.DeliverUntilAcknowledged(t.Context(), l.webhook(), body, 30, time.Millisecond); err != nil {
			t.Errorf("%v\n%s", err, l.Watch.Log())
		}
	}
	row := l.SQL(`select count(*)::int as stored, count(*) filter (where number <= before)::int as disordered from (
		select number, lag(number, 1, -1) over (partition by conversation order by occurred_at, place) as before
		from public.instagram_events, lateral cast(payload->'message'->>'text' as integer) as number) e`)[0]
	if row["stored"] != float64(loadSenders*each) || row["disordered"] != 0.0 {
		t.Errorf("in the database: %v", row)
	}
}

// TestLockedAccount delivers events of all accounts while another session holds one of them: it has stored the
// first account's event, and does not commit. The others' events are stored, and that account's come
// again, none of them twice.
func TestLockedAccount(t *testing.T) {
	l := newLoad(t)
	const each, accounts = 20, 3
	var entries []metasim.Entry
	for n := range accounts {
		account := deploytest.InstagramID(n)
		entries = append(entries, metasim.Entry{Account: account, Events: metasim.Batch(each, func(i int) metasim.Event {
			return metasim.Message("56", account, strconv.Itoa(i))
		})})
	}
	body, held := l.Meta.DeliveryOf(entries...), deploytest.InstagramID(0)
	other, err := pgx.Connect(t.Context(), l.database)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.WithoutCancel(t.Context()))
	begun, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := begun.Exec(t.Context(), `select public.ingest_instagram_events(jsonb_build_array(jsonb_build_object(
		'account', $1::text, 'key', $2::text, 'kind', 'message', 'occurred_at', now())))`,
		held, "message/"+entries[0].Events[0].MID()); err != nil {
		t.Fatal(err)
	}
	stored := func(want int) {
		t.Helper()
		row := l.SQL(`select count(*)::int as stored, count(*) filter (where instagram_id = $1)::int as held from public.instagram_events`, held)[0]
		if row["stored"] != float64(want) || row["held"] != float64(want-(accounts-1)*each) {
			t.Errorf("in the database: %v\n%s", row, l.Watch.Log())
		}
	}
	if status, err := l.Meta.Deliver(t.Context(), l.webhook(), body); status != http.StatusServiceUnavailable || err != nil {
		t.Errorf("%d, %v", status, err)
	}
	stored((accounts - 1) * each)
	if err := begun.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, err := l.Meta.Deliver(t.Context(), l.webhook(), body); status != http.StatusOK || err != nil {
		t.Errorf("%d, %v", status, err)
	}
	stored(accounts * each)
}

// TestHostileEvents delivers what PostgreSQL's jsonb refuses, or nearly, between two other messages: all three
// are stored, whatever becomes of the payload.
func TestHostileEvents(t *testing.T) {
	d := connected(t)
	nested := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	for name, c := range map[string]struct{ value, kind string }{
		"NUL":                      {`"a\u0000b"`, "message"},
		"NUL in a name":            {`{"a\u0000b":1}`, "message"},
		"half a pair":              {`"\ud83d"`, "message"},
		"bad UTF-8":                {"\"\xff\"", "message"},
		"a number out of range":    {"1e999999", "message"},
		"a number near nothing":    {"1e-999999", "message"},
		"a large number":           {strings.Repeat("9", 1000) + "e999", "message"},
		"a small number":           {"1." + strings.Repeat("0", 900) + "1e-999", "message"},
		"a hundred digits":         {strings.Repeat("7", 100), "message"},
		"names that come twice":    {`{"a":1,"a":[2],"a":{"b":3}}`, "message"},
		"a long name":              {`{"` + strings.Repeat("n", 100_000) + `":1}`, "message"},
		"the deepest that is kept": {nested(62), "message"},
		"too deep":                 {nested(63), "unknown"},
		"as deep as it goes":       {nested(100_000), "unknown"},
		"too large":                {`"` + strings.Repeat("x", 256<<10) + `"`, "unknown"},
		"many large ones":          {`[` + strings.Repeat(`"`+strings.Repeat("x", 1000)+`",`, 1000) + `1]`, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			const mark = "what is put here"
			before, odd, after := message("before"), message("odd").With("x", mark), message("after")
			body := bytes.Replace(d.Meta.Delivery(deploytest.InstagramID(1), before, odd, after), []byte(`"`+mark+`"`), []byte(c.value), 1)
			if status, err := d.Meta.Deliver(t.Context(), d.webhook(), body); status != http.StatusOK || err != nil {
				t.Fatalf("%d, %v\n%s", status, err, d.Watch.Log())
			}
			for event, kind := range map[*metasim.Event]string{&before: "message", &odd: c.kind, &after: "message"} {
				rows := d.SQL(`select kind, payload->'message'->>'text' as text, payload ? 'igconnect_left_out' as cut
					from public.instagram_events where key = $1`, "message/"+event.MID())
				if len(rows) != 1 || rows[0]["kind"] != kind || rows[0]["text"] == nil || rows[0]["cut"] != (kind == "unknown") {
					t.Errorf("%v", rows)
				}
			}
		})
	}
}
