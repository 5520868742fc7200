package page

import "testing"

func TestAccountTitleAndInitials(t *testing.T) {
	for _, tt := range []struct {
		name, username, title, initials string
	}{
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
		if got := account.Title(); got != tt.title {
			t.Errorf("Title of %q, %q = %q, want %q", tt.name, tt.username, got, tt.title)
		}
		if got := account.Initials(); got != tt.initials {
			t.Errorf("Initials of %q, %q = %q, want %q", tt.name, tt.username, got, tt.initials)
		}
	}
}
