package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// token is what a JSON Web Token says. Nothing is verified: whether it counts is for lib/identity
// to say.
type token struct{ header, claims map[string]any }

// readToken reads a token of three parts, and reports whether it is one.
func readToken(text string) (t token, ok bool) {
	parts := strings.Split(text, ".")
	return t, len(parts) == 3 && readPart(parts[0], &t.header) && readPart(parts[1], &t.claims)
}

func readPart(part string, members *map[string]any) bool {
	data, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(data, members) == nil && *members != nil
}

// text returns a claim that is a text, else "".
func (t token) text(claim string) string {
	text, _ := t.claims[claim].(string)
	return text
}

// audience returns the texts of aud, which is a text or an array.
func (t token) audience() (texts []string) {
	all, several := t.claims["aud"].([]any)
	if !several {
		all = []any{t.claims["aud"]}
	}
	for _, one := range all {
		if text, ok := one.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// date returns a claim that is a time in seconds, and reports whether there is one.
func (t token) date(claim string) (time.Time, bool) {
	seconds, ok := t.claims[claim].(float64)
	return time.UnixMilli(int64(seconds * 1000)), ok
}

// summary is what may be shown of a token: who made it, how and for whom, not whose it is.
func (t token) summary() string {
	header, claims := describe(t.header, "alg", "kid"), describe(t.claims, "iss", "aud", "client_id", "azp")
	return strings.Trim(header+", "+claims, ", ")
}

// describe shows some members of an object, those that it has.
func describe(object map[string]any, members ...string) string {
	var words []string
	for _, name := range members {
		if value, ok := object[name]; ok {
			text, _ := json.Marshal(value) // it was JSON
			words = append(words, fmt.Sprintf("%s %.300s", name, text))
		}
	}
	return strings.Join(words, ", ")
}
