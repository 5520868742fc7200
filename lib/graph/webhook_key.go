package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// maxKey bounds the part of a key that somebody else wrote.
const maxKey = 300

// key is the same for each delivery of an event: its kind, message id and time,
// and what tells repeated events about one message apart. Where there is no
// message id it is a hash of the event.
func key(event Event, mid, timestamp, repeat string) string {
	if mid == "" {
		sum := sha256.Sum256(canonical(event.Payload))
		return event.Kind + "/" + hex.EncodeToString(sum[:])
	}
	return event.Kind + "/" + clipped(mid) + "/" + timestamp + "/" + clipped(repeat)
}

// canonical writes JSON in one way, whatever the order of its members.
func canonical(raw json.RawMessage) []byte {
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return raw
	}
	written, err := json.Marshal(value)
	if err != nil {
		return raw
	}
	return written
}

// unknownKind is the name of the member that is not one of the usual ones.
func unknownKind(raw json.RawMessage) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(raw, &members)
	kind := "unknown"
	for name := range members {
		switch name {
		case "sender", "recipient", "timestamp", "":
		default:
			if kind == "unknown" || name < kind { // the same one each time
				kind = clipped(name)
			}
		}
	}
	return kind
}

// clipped shortens a text that is too long for a key, so that it still tells
// texts apart.
func clipped(text string) string {
	if len(text) <= maxKey {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
