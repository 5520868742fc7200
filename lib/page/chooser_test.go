package page

import (
	"strings"
	"testing"
)

func TestAccountTitleAndInitials(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, username, title, initials string }{
		{"Aurora Bakery", "aurora", "Aurora Bakery", "AB"},
		{"  aurora   bakery & sons ", "aurora", "  aurora   bakery & sons ", "AB"},
		{"Kiosk", "k", "Kiosk", "K"},
		{"", "kiosk21", "@kiosk21", "K"},
		{"", "_21_", "@_21_", "2"},
		{"✨ Café Zwölf", "cafe", "✨ Café Zwölf", "CZ"},
		{"øl & æble", "x", "øl & æble", "ØÆ"},
		{"東京 珈琲", "tokyo", "東京 珈琲", "東珈"},
		{"🍞🥐", "bread", "🍞🥐", "B"},
		{"🍞", "", "🍞", "@"},
		{"", "", "17841", "@"},
		{"\xff\xfe", "broken", "\xff\xfe", "B"},
	} {
		account := Account{InstagramID: "17841", Name: tt.name, Username: tt.username}
		if title, initials := account.Title(), account.Initials(); title != tt.title || initials != tt.initials {
			t.Errorf("%q, %q: title %q, initials %q; want %q, %q",
				tt.name, tt.username, title, initials, tt.title, tt.initials)
		}
	}
}

func TestPicture(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://scontent.cdninstagram.com/v/t51/1.jpg?stp=x&oh=y": true,
		"http://localhost:4000/picture/1.svg":                      true,
		"http://127.0.0.1:4000/picture/1.svg":                      true,
		"http://scontent.cdninstagram.com/1.jpg":                   false,
		"http://localhost.evil.example/1.jpg":                      false,
		"https:1.jpg":                                              false,
		"//cdn.example/1.jpg":                                      false,
		"/1.jpg":                                                   false,
		"javascript:alert(1)":                                      false,
		"javascript://localhost/%0aalert(1)":                       false,
		"data:image/png;base64,AAAA":                               false,
		"https://bad host/":                                        false,
		"":                                                         false,
	} {
		account := Account{PictureURL: address}
		got := account.Picture()
		if shown := got == address && got != ""; shown != want {
			t.Errorf("Picture of %q = %q, want shown %v", address, got, want)
		}
		body := draw(t, Chooser{Accounts: []Account{account}})
		if inPage := strings.Contains(body, `alt="" loading="lazy"`); inPage != want {
			t.Errorf("%q in the page: %v, want %v", address, inPage, want)
		}
	}
}
