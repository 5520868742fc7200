package webhook_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"testing"

	"igconnect/internal/graphtest"
	"igconnect/lib/secret"
	"igconnect/lib/webhook"

	"github.com/google/go-cmp/cmp"
)

// FuzzVerifySignature: a header is believed if it is, byte for byte, what one
// of the secrets makes of this body, and not otherwise.
func FuzzVerifySignature(f *testing.F) {
	secrets := []secret.String{secret.New("new"), secret.New(""), secret.New("old")}
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
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		events, err := webhook.ParseDelivery(body)
		if string(body) != before {
			t.Error("the body was changed")
		}
		if err != nil && (err != webhook.ErrNotJSON || events != nil || json.Valid(body)) {
			t.Errorf("%v, %v", events, err)
		}
		if len(events) > bytes.Count(body, []byte("{")) {
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
	graphtest.CheckText(t, e.Account, e.Key, e.Counterpart, e.Kind)
	graphtest.CheckTime(t, e.Occurred)
	var payload map[string]any
	decoder := json.NewDecoder(bytes.NewReader(e.Payload))
	decoder.UseNumber()
	if err := decoder.Decode(&payload); err != nil || payload == nil {
		t.Fatalf("payload %q: %v", e.Payload, err)
	}
	graphtest.CheckText(t, string(e.Payload))
	checkJSONB(t, payload)
}

// checkJSONB wants what jsonb takes: no NUL in a text, no number beyond its range.
// https://www.postgresql.org/docs/current/datatype-json.html
func checkJSONB(t *testing.T, value any) {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		for name := range maps.Keys(v) {
			graphtest.CheckText(t, name)
			checkJSONB(t, v[name])
		}
	case []any:
		for _, element := range v {
			checkJSONB(t, element)
		}
	case string:
		graphtest.CheckText(t, v)
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
