package graph

import (
	"encoding/json"
	"regexp"
	"slices"
)

// plainName is the name of a permission or a webhook field.
var plainName = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// plainNames drops what is none: such texts go into tables.
func plainNames(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !plainName.MatchString(name) })
}

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
