package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"igconnect/lib/secret"
	"igconnect/lib/webhook"

	"github.com/google/go-cmp/cmp"
)

// signature is X-Hub-Signature-256 as Meta computes it.
func signature(body, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestVerifySignature(t *testing.T) {
	const body = `{"object":"instagram"}`
	secrets := []secret.String{secret.New("new"), secret.New(""), secret.New("old")}
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
	at := time.UnixMilli(1668022333735).UTC()
	const account, counterpart = "17841452691600098", "5614879045272581"
	for _, c := range []struct {
		name, body string
		want       []webhook.Event // without the payload
	}{
		{"a message", deliver(`{` + parties + `"message":{"mid":"aWdf","text":"hello"}}`),
			[]webhook.Event{{Account: account, Key: "message/aWdf/1668022333735/", Counterpart: counterpart, Kind: "message", Occurred: at}}},
		{"an echo", deliver(`{"sender":{"id":"17841452691600098"},"recipient":{"id":"5614879045272581"},"timestamp":1668022333735,"message":{"mid":"aWdf","is_echo":true}}`),
			[]webhook.Event{{Account: account, Key: "message_echo/aWdf/1668022333735/", Counterpart: counterpart, Kind: "message_echo", Occurred: at}}},
		{"an unsent message", deliver(`{` + parties + `"message":{"mid":"aWdf","is_deleted":true}}`),
			[]webhook.Event{{Account: account, Key: "message_deleted/aWdf/1668022333735/", Counterpart: counterpart, Kind: "message_deleted", Occurred: at}}},
		{"a reaction", deliver(`{` + parties + `"reaction":{"mid":"aWdf","action":"react","reaction":"love","emoji":"❤"}}`),
			[]webhook.Event{{Account: account, Key: "reaction/aWdf/1668022333735/react", Counterpart: counterpart, Kind: "reaction", Occurred: at}}},
		{"an edit, numbered by a number", deliver(`{` + parties + `"message_edit":{"mid":"aWdf","text":"x","num_edit":2}}`),
			[]webhook.Event{{Account: account, Key: "message_edit/aWdf/1668022333735/2", Counterpart: counterpart, Kind: "message_edit", Occurred: at}}},
		{"an edit, numbered by a text", deliver(`{` + parties + `"message_edit":{"mid":"aWdf","text":"x","num_edit":"2"}}`),
			[]webhook.Event{{Account: account, Key: "message_edit/aWdf/1668022333735/2", Counterpart: counterpart, Kind: "message_edit", Occurred: at}}},
		{"a postback", deliver(`{` + parties + `"postback":{"mid":"aWdf","title":"x","payload":"y"}}`),
			[]webhook.Event{{Account: account, Key: "postback/aWdf/1668022333735/", Counterpart: counterpart, Kind: "postback", Occurred: at}}},
		{"read", deliver(`{` + parties + `"read":{"mid":"aWdf"}}`),
			[]webhook.Event{{Account: account, Key: "read/aWdf/1668022333735/", Counterpart: counterpart, Kind: "read", Occurred: at}}},
		{"numeric ids and seconds as text", `{"object":"instagram","entry":[{"time":"1668022334","id":17841452691600098,"messaging":[{"sender":{"id":5614879045272581},"recipient":{"id":17841452691600098},"timestamp":"1668022333","message":{"mid":"aWdf"}}]}]}`,
			[]webhook.Event{{Account: account, Key: "message/aWdf/1668022333/", Counterpart: counterpart, Kind: "message", Occurred: time.Unix(1668022333, 0).UTC()}}},
		{"ids as floats", `{"object":"instagram","entry":[{"id":1.7841452691600098e16,"messaging":[{"sender":{"id":5614879045272581.0},"timestamp":1668022333735,"message":{"mid":"aWdf"}}]}]}`,
			[]webhook.Event{{Account: account, Key: "message/aWdf/1668022333735/", Counterpart: counterpart, Kind: "message", Occurred: at}}},
		{"another app's thread", `{"object":"instagram","entry":[{"id":"17841452691600098","standby":[{` + parties + `"message":{"mid":"aWdf"}}]}]}`,
			[]webhook.Event{{Account: account, Key: "standby_message/aWdf/1668022333735/", Counterpart: counterpart, Kind: "standby_message", Occurred: at}}},
		{"the dashboard's test", `{"object":"instagram","entry":[{"id":"17841452691600098","time":1,"changes":[{"field":"messages","value":{` + parties + `"message":{"mid":"random_mid","text":"random_text"}}}]}]}`,
			[]webhook.Event{{Account: account, Key: "message/random_mid/1668022333735/", Counterpart: counterpart, Kind: "message", Occurred: at}}},
		{"without its own time", `{"object":"instagram","entry":[{"time":1668022333735,"id":"17841452691600098","messaging":[{"sender":{"id":"5"},"message":{"mid":"m"}}]}]}`,
			[]webhook.Event{{Account: account, Key: "message/m//", Counterpart: "5", Kind: "message", Occurred: at}}},
		{"two accounts in one", `{"object":"instagram","entry":[{"id":"1","messaging":[{` + parties + `"read":{"mid":"a"}}]},{"id":"2","messaging":[{` + parties + `"read":{"mid":"a"}}]}]}`,
			[]webhook.Event{
				{Account: "1", Key: "read/a/1668022333735/", Counterpart: counterpart, Kind: "read", Occurred: at},
				{Account: "2", Key: "read/a/1668022333735/", Counterpart: counterpart, Kind: "read", Occurred: at},
			}},
		{"bad parts beside a good one", `{"object":"instagram","entry":[7,null,{"id":"1.5"},{"id":"1","messaging":{"a":1}},{"id":"1","messaging":["x",null,7,{` + parties + `"read":{"mid":"a"}}]}]}`,
			[]webhook.Event{{Account: "1", Key: "read/a/1668022333735/", Counterpart: counterpart, Kind: "read", Occurred: at}}},
		{"another object", `{"object":"page","entry":[{"id":"1","messaging":[{` + parties + `"message":{"mid":"a"}}]}]}`, nil},
		{"another shape", `[1,2,3]`, nil},
		{"no entries", `{"object":"instagram"}`, nil},
		{"entries of another type", `{"object":"instagram","entry":"x"}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			events, err := webhook.ParseDelivery([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			for i := range events {
				if !json.Valid(events[i].Payload) {
					t.Errorf("payload %s", events[i].Payload)
				}
				events[i].Payload = nil
			}
			if diff := cmp.Diff(c.want, events); diff != "" && len(c.want)+len(events) > 0 {
				t.Error(diff)
			}
		})
	}
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
	parse := func(body string) webhook.Event {
		events, err := webhook.ParseDelivery([]byte(body))
		if err != nil || len(events) != 1 {
			t.Fatalf("%v, %v", events, err)
		}
		return events[0]
	}
	first, same, other := parse(comment("7", "")), parse(comment("7", "turned")), parse(comment("8", ""))
	if first.Key != same.Key || first.Key == other.Key || !strings.HasPrefix(first.Key, "comments/") || len(first.Key) != len("comments/")+64 {
		t.Errorf("keys %s, %s, %s", first.Key, same.Key, other.Key)
	}
	if first.Counterpart != "99" || first.Kind != "comments" || !first.Occurred.Equal(time.Unix(1668022333, 0)) {
		t.Errorf("%+v", first)
	}
	unknown := parse(deliver(`{` + parties + `"message_wave":{"strength":3},"extra":1}`))
	if unknown.Kind != "extra" && unknown.Kind != "message_wave" || unknown.Counterpart != "5614879045272581" {
		t.Errorf("%+v", unknown)
	}
	referral := parse(deliver(`{` + parties + `"referral":{"ref":"x","source":"y"}}`))
	if referral.Kind != "referral" || len(referral.Key) != len("referral/")+64 {
		t.Errorf("%+v", referral)
	}
	long := parse(deliver(`{` + parties + `"message":{"mid":"` + strings.Repeat("m", 5000) + `"}}`))
	if len(long.Key) > 1000 {
		t.Errorf("a key of %d bytes", len(long.Key))
	}
}

func TestOccurred(t *testing.T) {
	for stamp, want := range map[string]time.Time{
		"1668022333735": time.UnixMilli(1668022333735), "1668022333": time.Unix(1668022333, 0), "32503680000000": time.UnixMilli(32503680000000),
		"0": {}, "-5": {}, "9223372036854775807": {}, "99999999999999999999": {}, `"soon"`: {}, "1.5": {}, "null": {}, "{}": {},
	} {
		events, _ := webhook.ParseDelivery([]byte(`{"object":"instagram","entry":[{"id":"1","messaging":[{"sender":{"id":"5"},"timestamp":` + stamp + `,"message":{"mid":"m"}}]}]}`))
		if len(events) != 1 || !events[0].Occurred.Equal(want) {
			t.Errorf("%s: %+v", stamp, events)
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
		t.Run(name, func(t *testing.T) {
			body := deliver(`{`+parties+`"message":{"mid":"m","x":`+c.text+`}}`) + " "
			events, err := webhook.ParseDelivery([]byte(body))
			if err != nil || len(events) != 1 {
				t.Fatalf("%v, %v", events, err)
			}
			if want := `{` + parties + `"message":{"mid":"m","x":` + c.want + `}}`; string(events[0].Payload) != want {
				t.Errorf("payload %s", events[0].Payload)
			}
		})
	}
}

func TestNotJSON(t *testing.T) {
	for _, body := range []string{"", "x", "{", `{"object":"instagram"`, "\x00"} {
		if events, err := webhook.ParseDelivery([]byte(body)); err != webhook.ErrNotJSON || events != nil {
			t.Errorf("%q: %v, %v", body, events, err)
		}
	}
	deep := deliver(`{` + parties + `"message":{"mid":"m","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`)
	if events, err := webhook.ParseDelivery([]byte(deep)); err != nil || len(events) != 1 {
		t.Errorf("100 levels: %v", err)
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
	secrets := []secret.String{secret.New("new"), secret.New("old")}
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
