package metajson

import (
	"encoding/json"
	"regexp"
	"slices"
)

var plainName = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// PlainNames drops what is not the name of a permission or a webhook field, for
// such names go into tables. It changes the slice that it is given.
func PlainNames(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !plainName.MatchString(name) })
}

// FieldName is the name of a webhook field, which Meta writes as a text or as an
// object with a version.
type FieldName string

// UnmarshalJSON returns an error for anything else.
func (f *FieldName) UnmarshalJSON(data []byte) error {
	var named struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(data, &named) == nil {
		*f = FieldName(named.Name)
		return nil
	}
	return json.Unmarshal(data, (*string)(f))
}

// Confirmation is how Meta says yes: {"success":true} or a bare true.
type Confirmation bool

// UnmarshalJSON returns an error for any other shape.
func (c *Confirmation) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, (*bool)(c)) == nil {
		return nil
	}
	var answer struct {
		Success bool `json:"success"`
	}
	err := json.Unmarshal(data, &answer)
	*c = Confirmation(answer.Success)
	return err
}
