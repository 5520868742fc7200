package metajson_test

import (
	"encoding/json"
	"testing"

	"igconnect/lib/metajson"
)

func TestFieldName(t *testing.T) {
	for text, want := range map[string]string{
		`"messages"`: "messages", `{"name":"messages","version":"v24.0"}`: "messages", `""`: "", `{}`: "", `null`: "", `{"version":"v24.0"}`: "",
	} {
		var got metajson.FieldName
		if err := json.Unmarshal([]byte(text), &got); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{`1`, `true`, `["messages"]`, `{"name":1}`} {
		var got metajson.FieldName
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s: %q", text, got)
		}
	}
}
