package main

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"testing"
)

// TestLeaks: a secret is found however it is wrapped, and only there.
func TestLeaks(t *testing.T) {
	const secret = "EAAB?se/cret+token"
	clear := []haystack{{name: "innocent", content: []byte("EAAB")}, {name: "empty"}}
	var dirty []haystack
	add := func(name, text string) { dirty = append(dirty, haystack{name: name, content: []byte(text)}) }
	add("plain", "a "+secret+" b")
	add("url", "https://x.example/?t="+url.QueryEscape(secret))
	add("hex", fmt.Sprintf(`\x%x`, "before"+secret))
	for _, before := range []string{"", "1", "12", "123"} {
		for _, after := range []string{"", "1", "12"} {
			text := []byte(before + secret + after)
			add("base64 "+before+" "+after, base64.StdEncoding.EncodeToString(text))
			add("base64url "+before+" "+after, base64.RawURLEncoding.EncodeToString(text))
		}
	}
	found := leaks([]string{"another secret", secret}, append(clear, dirty...))
	for _, h := range dirty {
		if !slices.Contains(found, h.name) {
			t.Errorf("not found in %s: %s", h.name, h.content)
		}
	}
	for _, h := range clear {
		if slices.Contains(found, h.name) {
			t.Errorf("found in %s", h.name)
		}
	}
}
