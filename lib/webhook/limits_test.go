package webhook_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"igconnect/lib/webhook"
)

func nested(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

// oversized are values that no event may hold as they are.
var oversized = map[string]string{
	"too deep":                  nested(63), // the event and the message are two more
	"deeper than Go reads":      nested(20_000),
	"objects":                   strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300),
	"too large":                 `"` + strings.Repeat("x", 256<<10) + `"`,
	"a member of a large one":   `{"mid":"n","url":"` + strings.Repeat("x", 256<<10) + `"}`,
	"many names":                `{` + strings.Repeat(`"`+strings.Repeat("n", 50)+`":1,`, 6000) + `"z":1}`,
	"half of an escape in it":   `"` + strings.Repeat(`\ud83d`, 60_000) + `"`,
	"brackets in a text beside": `["]]]",` + nested(62) + `]`,
}

// One event that is too deep or too large is kept without that part, as of the kind unknown, and costs
// its neighbours nothing.
func TestOversized(t *testing.T) {
	t.Parallel()
	message := func(mid, x string) string {
		return `{` + parties + `"message":{"mid":"` + mid + `","text":"hello","x":` + x + `}}`
	}
	for name, part := range oversized {
		body := deliver(message("a", "1") + "," + message("b", part) + "," + message("c", "2"))
		events, err := webhook.ParseDelivery([]byte(body))
		if err != nil || len(events) != 3 {
			t.Fatalf("%s: %d events, %v", name, len(events), err)
		}
		for i, mid := range []string{"a", "b", "c"} {
			checkEvent(t, events[i])
			var payload struct {
				Sender  struct{ ID string }
				Message struct{ MID, Text string }
				LeftOut []string `json:"igconnect_left_out"`
			}
			if err := json.Unmarshal(events[i].Payload, &payload); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			kind, left := "message", []string(nil)
			if mid == "b" {
				kind, left = "unknown", []string{"message.x"}
			}
			e := events[i]
			if e.Kind != kind || e.Key != "message/"+mid || e.Account != "17841452691600098" || e.Counterpart != "5614879045272581" ||
				e.Occurred.UnixMilli() != 1668022333735 || payload.Message.MID != mid || payload.Message.Text != "hello" ||
				payload.Sender.ID != "5614879045272581" || !slices.Equal(payload.LeftOut, left) {
				t.Errorf("%s: %s, left out %v: %.300s", name, e.Kind, payload.LeftOut, e.Payload)
			}
		}
	}
}

// What is just within the limits stays as it is.
func TestWithinLimits(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]string{
		"levels": nested(62), "bytes": `"` + strings.Repeat("x", 250<<10) + `"`,
		"brackets in a text": `"` + strings.Repeat("[", 1000) + `\"` + strings.Repeat("{", 1000) + `"`,
	} {
		event := `{` + parties + `"message":{"mid":"m","x":` + part + `}}`
		if e := parse(t, deliver(event)); e.Kind != "message" || string(e.Payload) != event {
			t.Errorf("%s: %s, %.300s", name, e.Kind, e.Payload)
		}
	}
}

// Every shape of a delivery is held to the limits, and a hostile one names no more than some of what is
// left out.
func TestOversizedShapes(t *testing.T) {
	t.Parallel()
	deep := nested(100)
	var members []string
	for i := range 40_000 {
		members = append(members, fmt.Sprintf(`"member%d":1`, i))
	}
	for name, c := range map[string]struct{ entry, left, kind string }{
		"a comment":                 {`"changes":[{"field":"comments","value":{"id":"7","x":` + deep + `}}]`, "value.x", "comments/7"},
		"a comment without changes": {`"field":"comments","value":{"id":"7","x":` + deep + `}`, "value.x", "comments/7"},
		"a message in changes":      {`"changes":[{"field":"messages","value":{` + parties + `"message":{"mid":"m","x":` + deep + `}}}]`, "message.x", "message/m"},
		"another app's thread":      {`"standby":[{` + parties + `"message":{"mid":"m","x":` + deep + `}}]`, "message.x", "message/m"},
		"an unknown list":           {`"threads":` + deep, "threads", "unknown/"},
		"an item that is no object": {`"messaging":[` + deep + `]`, "messaging", "unknown/"},
		"an event of no known kind": {`"messaging":[{` + parties + `"wave":` + deep + `}]`, "wave", "wave/"},
		"a whole object":            {`"messaging":[{"wave":{"a":{"b":` + deep + `}}}]`, "wave.a", "unknown/"},
		"many members":              {`"messaging":[{` + strings.Join(members, ",") + `}]`, "member", "unknown/"},
		"a long name":               {`"messaging":[{"` + strings.Repeat("n", 300<<10) + `":1}]`, "", "unknown/"},
	} {
		e := parse(t, `{"object":"instagram","entry":[{"id":"1",`+c.entry+`}]}`)
		checkEvent(t, e)
		var payload struct {
			LeftOut []string `json:"igconnect_left_out"`
		}
		err := json.Unmarshal(e.Payload, &payload)
		if n := len(payload.LeftOut); err != nil || n == 0 || n > 20 || !strings.HasPrefix(payload.LeftOut[0], c.left) ||
			e.Kind != "unknown" || !strings.HasPrefix(e.Key, c.kind) {
			t.Errorf("%s: %s %s, left out %.200v: %.300s, %v", name, e.Kind, e.Key, payload.LeftOut, e.Payload, err)
		}
	}
}
