package faultproxy

import (
	"bytes"
	"encoding/json"
)

// wrongTypes changes the type of every value in a JSON text and keeps the
// names: texts become numbers, numbers and booleans texts, lists objects. An
// object keeps its form and its members change; where it has none it becomes a
// list. Text that is no JSON stays as it is.
func wrongTypes(body []byte) []byte {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return body
	}
	changed, _ := json.Marshal(otherType(value)) // it came from JSON
	return changed
}

func otherType(value any) any {
	switch v := value.(type) {
	case string:
		return 7
	case json.Number:
		return "n" + v.String()
	case bool:
		return "b"
	case []any:
		members := map[string]any{}
		for _, element := range v {
			members["element"] = otherType(element)
		}
		return members
	case map[string]any:
		if len(v) == 0 {
			return []any{}
		}
		members := map[string]any{}
		for name, member := range v {
			members[name] = otherType(member)
		}
		return members
	}
	return 7 // null
}
