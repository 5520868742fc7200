package graph

import (
	"encoding/json"
	"errors"
	"regexp"
)

// id is an id of Meta's, which comes as a string or as a whole number. Ids go
// into paths and names, so anything else fails the decoding.
type id string

var plainText = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// UnmarshalJSON leaves the id empty where there is null.
func (i *id) UnmarshalJSON(data []byte) error {
	var text string
	switch {
	case digits(data) || string(data) == "null":
		text = string(data)
	case json.Unmarshal(data, &text) != nil || !plainText.MatchString(text):
		return errors.New("not an id")
	}
	if string(data) != "null" {
		*i = id(text)
	}
	return nil
}
