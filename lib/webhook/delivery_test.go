package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"igconnect/internal/graphtest"
	"igconnect/lib/metajson"
	"igconnect/lib/secret"
	"igconnect/lib/webhook"
)

// secrets are those of the tests: the newest first, one empty, which signs nothing.
var secrets = []secret.String{secret.New("new"), secret.New(""), secret.New("old")}

// signature is X-Hub-Signature-256 as Meta computes it.
func signature(body, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestVerifySignature(t *testing.T) {
	const body = `{"object":"instagram"}`
	good := signature(body, "new")
	for _, c := range []struct {
		name, body, header string
		want               bool
	}{
		{"the first secret", body, good, true},
		{"a rotated secret", body, signature(body, "old"), true},
		{"another secret", body, signature(body, "other"), false},
		{"an empty secret", body, signature(body, ""), false},
		{"none", body, "", false},
		{"truncated", body, good[:len(good)-1], false},
		{"longer", body, good + "0", false},
		{"upper case", body, "sha256=" + strings.ToUpper(good[7:]), false},
		{"without its name", body, good[7:], false},
		{"another name", body, "sha1=" + good[7:], false},
		{"malformed", body, "sha256=zz", false},
		{"a byte altered", `{"object":"Instagram"}`, good, false},
		{"a byte more", body + " ", good, false},
		{"no body", "", good, false},
	} {
		if got := webhook.VerifySignature([]byte(c.body), c.header, secrets); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if webhook.VerifySignature([]byte(body), signature(body, ""), nil) {
		t.Error("valid without any secret")
	}
}

// deliver wraps one event of entry.messaging.
func deliver(event string) string {
	return `{"object":"instagram","entry":[{"time":1668022334834,"id":"17841452691600098","messaging":[` + event + `]}]}`
}

const parties = `"sender":{"id":"5614879045272581"},"recipient":{"id":"17841452691600098"},"timestamp":1668022333735,`

func TestParseDelivery(t *testing.T) {
	const account, person = "17841452691600098", "5614879045272581"
	at := time.UnixMilli(1668022333735).UTC()
	event := func(kind, key string) webhook.Event {
		return webhook.Event{Account: account, Key: key, Counterpart: person, Recipient: account, Kind: kind, Occurred: at}
	}
	own := func(kind, key string) webhook.Event { // of the account
		e := event(kind, key)
		e.Recipient = person
		return e
	}
	timed := func(e webhook.Event, time string) webhook.Event {
		e.Key, e.KeyToSecond = e.Key+time, e.Key+time[:len("/1668022333")]
		return e
	}
	readOf := func(account string) webhook.Event {
		e := timed(event("read", "read/a/5614879045272581/"), "/1668022333735")
		e.Account = account
		return e
	}
	unknown := func(account, payload string) webhook.Event {
		return webhook.Event{Account: account, Kind: "unknown", Key: fmt.Sprintf("unknown/%x", sha256.Sum256([]byte(payload)))}
	}
	inSeconds := event("message", "message/aWdf")
	inSeconds.Occurred = time.Unix(1668022333, 0).UTC()
	bare := event("message", "message/m")
	bare.Recipient = ""
	floats := event("message", "message/aWdf")
	floats.Recipient = ""
	nobody := event("message_edit", "message_edit/aWdf/1")
	nobody.Counterpart, nobody.Recipient = "", ""
	const back = `"sender":{"id":"17841452691600098"},"recipient":{"id":"5614879045272581"},"timestamp":1668022333735,`
	const other = `"sender":{"id":"5614879045272581"},"recipient":{"id":"99"},"timestamp":1668022333735,`
	marked := own("postback_echo", "postback/aWdf/5614879045272581/y")
	marked.Counterpart, marked.Recipient = "99", "99"
	ownComment := webhook.Event{Account: account, Key: "comments/7", Kind: "comments_echo", Occurred: at}
	bareComment := func(kind string) webhook.Event { return webhook.Event{Account: account, Key: "comments/7", Kind: kind} }
	late := func(e webhook.Event) webhook.Event {
		e.Occurred = time.UnixMilli(1668022334834).UTC()
		return e
	}
	const read = `{` + parties + `"read":{"mid":"a"}}`
	ofOne := func(account, members string) string {
		return `{"object":"instagram","entry":[{"id":"` + account + `",` + members + `}]}`
	}
	for _, c := range []struct {
		name, body string
		want       []webhook.Event // without the payload
	}{
		{"a message", deliver(`{` + parties + `"message":{"mid":"aWdf","text":"hello"}}`), []webhook.Event{event("message", "message/aWdf")}},
		{"an echo", deliver(`{` + back + `"message":{"mid":"aWdf","is_echo":true}}`), []webhook.Event{own("message_echo", "message/aWdf")}},
		{"an echo that does not say so", deliver(`{` + back + `"message":{"mid":"aWdf"}}`), []webhook.Event{own("message_echo", "message/aWdf")}},
		{"an unsent message", deliver(`{` + parties + `"message":{"mid":"aWdf","is_deleted":true}}`), []webhook.Event{event("message_deleted", "message_deleted/aWdf")}},
		{"a reaction", deliver(`{` + parties + `"reaction":{"mid":"aWdf","action":"react","reaction":"love","emoji":"❤"}}`),
			[]webhook.Event{timed(event("reaction", "reaction/aWdf/5614879045272581/react/love❤"), "/1668022333735")}},
		{"the account's own reaction", deliver(`{` + back + `"reaction":{"mid":"aWdf","action":"unreact"}}`),
			[]webhook.Event{timed(own("reaction_echo", "reaction/aWdf/17841452691600098/unreact/"), "/1668022333735")}},
		{"an edit, numbered by a number", deliver(`{` + parties + `"message_edit":{"mid":"aWdf","text":"x","num_edit":2}}`), []webhook.Event{event("message_edit", "message_edit/aWdf/2")}},
		{"an edit, numbered by a text", deliver(`{` + parties + `"message_edit":{"mid":"aWdf","text":"x","num_edit":"2"}}`), []webhook.Event{event("message_edit", "message_edit/aWdf/2")}},
		{"an edit without a number", deliver(`{` + parties + `"message_edit":{"mid":"aWdf","text":"x"}}`), []webhook.Event{timed(event("message_edit", "message_edit/aWdf/"), "/1668022333735")}},
		{"the account's own edit", deliver(`{` + back + `"message_edit":{"mid":"aWdf","text":"x","num_edit":2}}`), []webhook.Event{own("message_edit_echo", "message_edit/aWdf/2")}},
		{"an edit of nobody", deliver(`{"timestamp":1668022333735,"message_edit":{"mid":"aWdf","num_edit":1}}`), []webhook.Event{nobody}},
		{"an edit of nobody in changes", ofOne(account, `"changes":[{"field":"message_edit","value":{"timestamp":1668022333735,"message_edit":{"mid":"aWdf","num_edit":"1"}}}]`), []webhook.Event{nobody}},
		{"a postback", deliver(`{` + parties + `"postback":{"mid":"aWdf","title":"x","payload":"y"}}`), []webhook.Event{timed(event("postback", "postback/aWdf/5614879045272581/y"), "/1668022333735")}},
		{"read", deliver(`{` + parties + `"read":{"mid":"aWdf"}}`), []webhook.Event{timed(event("read", "read/aWdf/5614879045272581/"), "/1668022333735")}},
		{"numeric ids and seconds as text", `{"object":"instagram","entry":[{"time":"1668022334","id":17841452691600098,"messaging":[{"sender":{"id":5614879045272581},"recipient":{"id":17841452691600098},"timestamp":"1668022333","message":{"mid":"aWdf"}}]}]}`,
			[]webhook.Event{inSeconds}},
		{"ids as floats", `{"object":"instagram","entry":[{"id":1.7841452691600098e16,"messaging":[{"sender":{"id":5614879045272581.0},"timestamp":1668022333735,"message":{"mid":"aWdf"}}]}]}`,
			[]webhook.Event{floats}},
		{"another app's thread", ofOne(account, `"standby":[{`+parties+`"message":{"mid":"aWdf"}}]`), []webhook.Event{event("standby_message", "message/aWdf")}},
		{"another app's thread in changes", ofOne(account, `"changes":[{"field":"standby","value":{`+parties+`"message":{"mid":"aWdf"}}}]`), []webhook.Event{event("standby_message", "message/aWdf")}},
		{"the account's own postback", deliver(`{"is_self":true,` + back + `"postback":{"mid":"aWdf","payload":"y"}}`), []webhook.Event{timed(own("postback_echo", "postback/aWdf/17841452691600098/y"), "/1668022333735")}},
		{"one that only is_self marks", deliver(`{"is_self":true,` + other + `"postback":{"mid":"aWdf","payload":"y"}}`), []webhook.Event{timed(marked, "/1668022333735")}},
		{"a comment that only self_ig_scoped_id marks", ofOne(account, `"field":"comments","value":{"id":"7","timestamp":1668022333735,"from":{"id":"5","self_ig_scoped_id":"6"}}`), []webhook.Event{ownComment}},
		{"one comment of a live video twice", ofOne(account, `"changes":[{"field":"live_comments","value":{"id":"7"}},{"field":"comments","value":{"id":"7"}}]`), []webhook.Event{bareComment("live_comments"), bareComment("comments")}},
		{"a member called connection", deliver(`{` + parties + `"connection":{"status":"active"}}`), []webhook.Event{late(unknown(account, `{"connection":{"status":"active"},"recipient":{"id":"17841452691600098"},"sender":{"id":"5614879045272581"},"timestamp":1668022333735}`))}},
		{"a field called connection", ofOne("1", `"changes":[{"field":"connection","value":1}]`), []webhook.Event{unknown("1", `{"field":"connection","value":1}`)}},
		{"the dashboard's test", ofOne(account, `"time":1,"changes":[{"field":"messages","value":{`+parties+`"message":{"mid":"random_mid","text":"random_text"}}}]`),
			[]webhook.Event{event("message", "message/random_mid")}},
		{"without its own time", `{"object":"instagram","entry":[{"time":1668022333735,"id":"17841452691600098","messaging":[{"sender":{"id":"5614879045272581"},"message":{"mid":"m"}}]}]}`,
			[]webhook.Event{bare}},
		{"two accounts in one", `{"object":"instagram","entry":[{"id":"1","messaging":[` + read + `]},{"id":"2","messaging":[` + read + `]}]}`, []webhook.Event{readOf("1"), readOf("2")}},
		{"a list of one delivery", `[` + ofOne("1", `"messaging":[`+read+`]`) + `]`, []webhook.Event{readOf("1")}},
		{"one entry and no list", `{"object":"instagram","entry":{"id":"1","messaging":` + read + `}}`, []webhook.Event{readOf("1")}},
		{"unknown parts beside a good one", `{"object":"instagram","entry":[7,null,{"id":"1.5"},{"id":"1","messaging":{"a":1}},{"id":"1","messaging":["x",null,7,` + read + `]}]}`,
			[]webhook.Event{unknown("1", `{"a":1}`), readOf("1"), unknown("1", `{"messaging":["x",7]}`)}},
		{"an unknown list beside a good one", ofOne("1", `"hop_context":[{"app_id":2}],"handovers":[7],"messaging":[`+read+`]`), []webhook.Event{readOf("1"), unknown("1", `{"handovers":[7]}`)}},
		{"what tells of nothing beside a good one", ofOne("1", `"hop_context":[{"app_id":2}],"x":null,"messaging":[`+read+`]`), []webhook.Event{readOf("1")}},
		{"a value without a field", ofOne("1", `"value":{"a":1}`), []webhook.Event{unknown("1", `{"value":{"a":1}}`)}},
		{"an event that says nothing", ofOne("1", `"messaging":[{"sender":{"id":"5"},"message":null}]`), []webhook.Event{unknown("1", `{"message":null,"sender":{"id":"5"}}`)}},
		{"a change without a field", ofOne("1", `"changes":[{"value":{"a":1}},{"field":7}]`), []webhook.Event{unknown("1", `{"value":{"a":1}}`), unknown("1", `{"field":7}`)}},
		{"an unknown list", ofOne("1", `"threads":[7]`), []webhook.Event{unknown("1", `{"threads":[7]}`)}},
		{"an unknown list, delivered again", ofOne("1", `"time":99999999999999999,"threads":[7]`), []webhook.Event{unknown("1", `{"threads":[7]}`)}},
		{"an empty entry", ofOne("1", `"time":1668022333,"messaging":[],"changes":null`), nil},
		{"another object", `{"object":"page","entry":[{"id":"1","messaging":[{` + parties + `"message":{"mid":"a"}}]}]}`, nil},
		{"another shape", `[1,2,3]`, nil},
		{"no entries", `{"object":"instagram"}`, nil},
		{"entries of another type", `{"object":"instagram","entry":"x"}`, nil},
	} {
		events, err := webhook.ParseDelivery([]byte(c.body))
		for i := range events {
			if !json.Valid(events[i].Payload) {
				t.Errorf("%s: payload %s", c.name, events[i].Payload)
			}
			events[i].Payload = nil
		}
		if diff := cmp.Diff(c.want, events, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("%s: %v %s", c.name, err, diff)
		}
	}
}

// parse reads a delivery of one event.
func parse(t *testing.T, body string) webhook.Event {
	t.Helper()
	events, err := webhook.ParseDelivery([]byte(body))
	if err != nil || len(events) != 1 {
		t.Fatalf("%s: %v, %v", body, events, err)
	}
	return events[0]
}

// What has no message id is told apart by a hash of the event, whatever the
// order of its members.
func TestKeysWithoutMessageID(t *testing.T) {
	comment := func(id, order string) string {
		value := `"id":"` + id + `","from":{"id":"99","username":"u"},"text":"hi"`
		if order == "turned" {
			value = `"text":"hi","from":{"username":"u","id":"99"},"id":"` + id + `"`
		}
		return `{"object":"instagram","entry":[{"id":"1","time":1668022333,"changes":[{"field":"comments","value":{` + value + `}}]}]}`
	}
	first, same, other := parse(t, comment("7", "")), parse(t, comment("7", "turned")), parse(t, comment("8", ""))
	if first.Key != same.Key || first.Key == other.Key || !strings.HasPrefix(first.Key, "comments/") || first.Key != "comments/7" {
		t.Errorf("keys %s, %s, %s", first.Key, same.Key, other.Key)
	}
	if first.Counterpart != "99" || first.Kind != "comments" || !first.Occurred.Equal(time.Unix(1668022333, 0)) {
		t.Errorf("%+v", first)
	}
	unknown := parse(t, deliver(`{`+parties+`"message_wave":{"strength":3},"extra":1}`))
	if unknown.Kind != "extra" && unknown.Kind != "message_wave" || unknown.Counterpart != "5614879045272581" {
		t.Errorf("%+v", unknown)
	}
	referral := parse(t, deliver(`{`+parties+`"referral":{"ref":"x","source":"y"}}`))
	if referral.Kind != "referral" || !strings.HasSuffix(referral.Key, "/1668022333735") {
		t.Errorf("%+v", referral)
	}
	mention := parse(t, `{"object":"instagram","entry":[{"id":"1","changes":[{"field":"mentions","value":{"media_id":"5"}}]}]}`)
	if mention.Kind != "mentions" || mention.Counterpart != "" || len(mention.Key) != len("mentions/")+64 {
		t.Errorf("%+v", mention)
	}
	long := parse(t, deliver(`{`+parties+`"message":{"mid":"`+strings.Repeat("m", 5000)+`"}}`))
	if len(long.Key) > 1000 {
		t.Errorf("a key of %d bytes", len(long.Key))
	}
}

// Meta delivers one thing in two forms and with two clocks: in messaging, in milliseconds, and in
// changes, in seconds and as text. Comments are documented without changes, and come with it.
func TestOneEventInTwoForms(t *testing.T) {
	const ids = `"sender":{"id":"5"},"recipient":{"id":"1"}`
	entry := func(members string) webhook.Event {
		return parse(t, `{"object":"instagram","entry":[{"id":"1","time":1668022400,`+members+`}]}`)
	}
	for field, said := range map[string]string{
		"messages": `"message":{"mid":"m","text":"x"}`, "message_reactions": `"reaction":{"mid":"m","action":"react","emoji":"❤"}`,
		"messaging_postbacks": `"postback":{"mid":"m","payload":"p"}`, "messaging_seen": `"read":{"mid":"m"}`, "message_edit": `"message_edit":{"mid":"m","num_edit":1}`,
		"messaging_referral": `"referral":{"ref":"x"}`, "messaging_optins": `"optin":{"type":"x"}`,
	} {
		one := entry(`"messaging":[{` + ids + `,"timestamp":1668022333735,` + said + `}]`)
		two := entry(`"changes":[{"field":"` + field + `","value":{"sender":{"id":5},"recipient":{"id":1},"timestamp":"1668022333",` + said + `}}]`)
		if one.KeyToSecond != two.KeyToSecond || one.KeyToSecond == "" && one.Key != two.Key || one.KeyToSecond != "" && two.Key != two.KeyToSecond ||
			one.Kind != two.Kind || one.Counterpart != two.Counterpart {
			t.Errorf("%s: %+v and %+v", field, one, two)
		}
	}
	for _, from := range []string{"9", "1"} {
		comment := `"field":"comments","value":{"id":"7","text":"nice","from":{"id":"` + from + `","username":"joe"}}`
		plain, changed := entry(comment), entry(`"changes":[{`+comment+`}]`)
		if diff := cmp.Diff(plain, changed); diff != "" {
			t.Error(diff)
		}
		want := map[string][2]string{"9": {"comments", "9"}, "1": {"comments_echo", ""}}[from] // the account's own
		if plain.Kind != want[0] || plain.Counterpart != want[1] || plain.Key != "comments/7" {
			t.Errorf("%+v", plain)
		}
	}
}

// Two reactions of one time are two events, and one that is delivered again is none.
func TestReactionKeys(t *testing.T) {
	keys := map[string]bool{}
	for range 2 {
		for _, from := range []string{"5", "6"} {
			for _, said := range []string{`"react","emoji":"❤"`, `"react","emoji":"😂"`, `"unreact"`} {
				for _, at := range []string{"1668022333735", "1668022333736"} {
					event := parse(t, deliver(`{"sender":{"id":"`+from+`"},"timestamp":`+at+`,"reaction":{"mid":"m","action":`+said+`}}`))
					keys[event.Key] = true
				}
			}
		}
	}
	if len(keys) != 12 {
		t.Errorf("%d keys, want 12", len(keys))
	}
}

// Some times of one delivery are in milliseconds, others in whole seconds: within one second of a
// conversation events keep the order of delivery, and nothing else moves.
func TestSecondsBesideMilliseconds(t *testing.T) {
	var list []string
	for i, at := range []string{"5 1668022333735", "5 1668022333", "6 1668022333", "5 1668022333500", "5 1668022333", "5 1668022334", "5 0", "5 1668022333", "6 1668022333100"} {
		person, stamp, _ := strings.Cut(at, " ")
		list = append(list, fmt.Sprintf(`{"sender":{"id":"%s"},"timestamp":%s,"message":{"mid":"%d"}}`, person, stamp, i))
	}
	events, err := webhook.ParseDelivery([]byte(`{"object":"instagram","entry":[{"id":"1","messaging":[` + strings.Join(list, ",") + `]}]}`))
	var got []int64
	for _, e := range events {
		got = append(got, max(0, e.Occurred.UnixMilli()-1668022333000))
	}
	if diff := cmp.Diff([]int64{735, 735, 0, 500, 735, 1000, 0, 735, 100}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestOccurred(t *testing.T) {
	for stamp, want := range map[string]time.Time{
		"1668022333735": time.UnixMilli(1668022333735), "1668022333": time.Unix(1668022333, 0), "32503680000000": time.UnixMilli(32503680000000),
		"0": {}, "-5": {}, "9223372036854775807": {}, "99999999999999999999": {}, `"soon"`: {}, "1.5": {}, "null": {}, "{}": {},
	} {
		event := parse(t, `{"object":"instagram","entry":[{"id":"1","messaging":[{"sender":{"id":"5"},"timestamp":`+stamp+`,"message":{"mid":"m"}}]}]}`)
		if !event.Occurred.Equal(want) {
			t.Errorf("%s: %+v", stamp, event)
		}
	}
}

// What jsonb refuses is replaced, and harms no other event.
func TestStorable(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"an escaped NUL":             {`"a\u0000b"`, `"a\ufffdb"`},
		"an escaped backslash and u": {`"a\\u0000b"`, `"a\\u0000b"`},
		"a pair":                     {`"\ud83d\ude00"`, `"\ud83d\ude00"`},
		"half a pair":                {`"\ud83d!"`, `"\ufffd!"`},
		"the other half":             {`"\ude00"`, `"\ufffd"`},
		"two first halves":           {`"\ud83d\ud83d\ude00"`, `"\ufffd\ud83d\ude00"`},
		"bad UTF-8":                  {"\"a\xffb\"", "\"a\uFFFDb\""},
		"a huge exponent":            {`1e999999`, `null    `},
		"many digits":                {strings.Repeat("9", 1001), "null" + strings.Repeat(" ", 997)},
		"a number in a text":         {`"1e999999"`, `"1e999999"`},
		"usual numbers":              {`[-1.5e+300,0,12]`, `[-1.5e+300,0,12]`},
	} {
		event := parse(t, deliver(`{`+parties+`"message":{"mid":"m","x":`+c.text+`}}`)+" ")
		if want := `{` + parties + `"message":{"mid":"m","x":` + c.want + `}}`; string(event.Payload) != want {
			t.Errorf("%s: payload %s", name, event.Payload)
		}
	}
}

func TestNotJSON(t *testing.T) {
	for _, body := range []string{"", "x", "{", `{"object":"instagram"`, "\x00"} {
		if events, err := webhook.ParseDelivery([]byte(body)); err != webhook.ErrNotJSON || events != nil {
			t.Errorf("%q: %v, %v", body, events, err)
		}
	}
	if _, err := webhook.ParseDelivery([]byte(strings.Repeat("[", 4<<20))); err != webhook.ErrNotJSON {
		t.Errorf("4 million levels: %v", err)
	}
}

// delivery makes a body of n messages, some 300 bytes each.
func delivery(n int) []byte {
	var entries []string
	for i := range n {
		entries = append(entries, fmt.Sprintf(`{"time":1668022334834,"id":"17841452691600098","messaging":[{"sender":{"id":"5614879045%06d"},"recipient":{"id":"17841452691600098"},"timestamp":1668022%06d,"message":{"mid":"aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNDUyNjkxNjAwMDk4OjM0MDI4MjM2NjY%06d","text":"hello, is this still available? %d"}}]}`, i%50, i, i, i))
	}
	return []byte(`{"object":"instagram","entry":[` + strings.Join(entries, ",") + `]}`)
}

// TestDeliveryAllocations: 20 an event is the most.
func TestDeliveryAllocations(t *testing.T) {
	body := delivery(1000)
	allocations := testing.AllocsPerRun(3, func() {
		if events, err := webhook.ParseDelivery(body); err != nil || len(events) != 1000 {
			t.Fatal(err)
		}
	})
	if allocations > 20_000 {
		t.Errorf("%.0f allocations for 1,000 events", allocations)
	}
}

func BenchmarkDelivery(b *testing.B) {
	for _, n := range []int{1, 1000} {
		body := delivery(n)
		header := signature(string(body), "new")
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if !webhook.VerifySignature(body, header, secrets) {
					b.Fatal("not valid")
				}
				if events, err := webhook.ParseDelivery(body); err != nil || len(events) != n {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzVerifySignature: a header is believed if it is, byte for byte, what one
// of the secrets makes of this body, and not otherwise.
func FuzzVerifySignature(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte, header string, at uint16) {
		want := header == signature(string(body), "new") || header == signature(string(body), "old")
		if got := webhook.VerifySignature(body, header, secrets); got != want {
			t.Errorf("%q: %v", header, got)
		}
		if webhook.VerifySignature(body, header, nil) || webhook.VerifySignature(body, signature(string(body), ""), []secret.String{secret.New("")}) {
			t.Error("valid without a secret")
		}
		good := signature(string(body), "old")
		if !webhook.VerifySignature(body, good, secrets) {
			t.Error("the right signature was refused")
		}
		others := [][]byte{append(bytes.Clone(body), 0)}
		if len(body) > 0 {
			changed := bytes.Clone(body)
			changed[int(at)%len(body)] ^= 1 << (at % 8)
			others = append(others, changed, body[1:], body[:len(body)-1])
		}
		for _, other := range others {
			if webhook.VerifySignature(other, good, secrets) {
				t.Errorf("%q was believed", other)
			}
		}
		place := int(at) % len(good)
		for _, other := range []string{good[:place], good[:place] + good[place+1:], good + good[place:], good[:place] + "\x00" + good[place:]} {
			if webhook.VerifySignature(body, other, secrets) {
				t.Errorf("%q was believed", other)
			}
		}
	})
}

// FuzzParseDelivery gives any body that Meta may have signed: what comes out
// can be stored, is no more than what went in, and has the same keys when it
// comes again, however it is spaced then.
func FuzzParseDelivery(f *testing.F) {
	for _, part := range []string{nested(63), nested(130), `{"a":[` + nested(62) + `,"]"]}`} {
		f.Add([]byte(deliver(`{` + parties + `"message":{"mid":"m","x":` + part + `}}`)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		events, err := webhook.ParseDelivery(body)
		if string(body) != before {
			t.Error("the body was changed")
		}
		if err != nil && (err != webhook.ErrNotJSON || events != nil || json.Valid(body)) {
			t.Errorf("%v, %v", events, err)
		}
		if len(events) > len(body) {
			t.Errorf("%d events of %d bytes", len(events), len(body))
		}
		for _, e := range events {
			checkEvent(t, e)
		}
		for name, spaced := range respaced(body) {
			again, err := webhook.ParseDelivery(spaced)
			if diff := cmp.Diff(keysOf(events), keysOf(again)); diff != "" || err != nil {
				t.Errorf("%s: %v, %s", name, err, diff)
			}
		}
	})
}

var goodID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// checkEvent wants an event that the inbox can take.
func checkEvent(t *testing.T, e webhook.Event) {
	t.Helper()
	if !goodID.MatchString(e.Account) || e.Counterpart != "" && !goodID.MatchString(e.Counterpart) || e.Key == "" || e.Kind == "" {
		t.Errorf("%+v", e)
	}
	if len(e.Account) > 64 || len(e.Counterpart) > 64 || len(e.Key) > 1500 || len(e.Kind) > 400 {
		t.Errorf("longer than an index takes: %+v", e)
	}
	graphtest.CheckStorable(t, e, string(e.Payload))
	if levels := metajson.Depth(e.Payload); levels > 64 || len(e.Payload) > 256<<10 {
		t.Fatalf("a payload of %d levels and %d bytes", levels, len(e.Payload))
	}
	var payload any
	decoder := json.NewDecoder(bytes.NewReader(e.Payload))
	decoder.UseNumber()
	if err := decoder.Decode(&payload); err != nil || payload == nil {
		t.Fatalf("payload %q: %v", e.Payload, err)
	}
	if _, object := payload.(map[string]any); !object {
		t.Errorf("payload %q is no object", e.Payload)
	}
	checkJSONB(t, payload)
}

// checkJSONB wants what jsonb takes: no NUL in a text, no number beyond its range.
// https://www.postgresql.org/docs/current/datatype-json.html
func checkJSONB(t *testing.T, value any) {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			graphtest.CheckStorable(t, name)
			checkJSONB(t, member)
		}
	case []any:
		for _, element := range v {
			checkJSONB(t, element)
		}
	case string:
		graphtest.CheckStorable(t, v)
	case json.Number:
		_, exponent, _ := strings.Cut(strings.ToLower(v.String()), "e")
		if len(v) > 1000 || len(strings.TrimLeft(exponent, "+-0")) > 3 {
			t.Errorf("a number out of range: %s", v)
		}
	}
}

// respaced is the same JSON with other white space; nothing of what is none.
func respaced(body []byte) map[string][]byte {
	var tight, wide bytes.Buffer
	if json.Compact(&tight, body) != nil || json.Indent(&wide, body, " ", "\t") != nil {
		return nil
	}
	return map[string][]byte{"compact": tight.Bytes(), "indented": wide.Bytes(), "as it was": body}
}

func keysOf(events []webhook.Event) (keys []string) {
	for _, e := range events {
		keys = append(keys, e.Account+" "+e.Key)
	}
	return keys
}
