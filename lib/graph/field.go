package graph

import "encoding/json"

// field is the name of a webhook field, which Meta writes as a text or as an
// object with a version.
type field string

func (f *field) UnmarshalJSON(data []byte) error {
	var named struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(data, &named) == nil {
		*f = field(named.Name)
		return nil
	}
	var text string
	err := json.Unmarshal(data, &text)
	*f = field(text)
	return err
}
