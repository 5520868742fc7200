package page

import (
	"bytes"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	askAgain = Action{Label: "Ask Meta again", Href: "/api/login?return_to=%2Fteam", Primary: true}
	goBack   = Action{Label: "Go back", Href: "https://app.example/team"}
)

// variants is one page of each kind and each turn that a template takes.
func variants() map[string]Page {
	bakery := Account{
		InstagramID: "17841400000000001", Username: "aurora.bakery", Name: "Aurora Bakery",
		PictureURL: "https://scontent.cdninstagram.com/v/1.jpg?a=1&b=2", PageName: "Aurora", Connected: true,
	}
	nameless := Account{InstagramID: "17841400000000002", Username: "kiosk21", PageName: "Kiosk", CannotMessage: true}
	many := []Account{bakery, nameless}
	for i := len(many); i < searchFrom; i++ {
		many = append(many, Account{InstagramID: fmt.Sprint(i), Username: fmt.Sprintf("brand%d", i)})
	}
	folded := make([]Verdict, foldFrom)
	for i := range folded {
		folded[i] = Verdict{PageName: fmt.Sprintf("Shop %d", i), Kind: NoInstagram}
	}
	return map[string]Page{
		"error": Error{
			Code: "store_unavailable", RequestID: "fra1::x8k2p", Title: "We could not save your account",
			What: "Our database did not answer.", Next: "Wait a moment, then press Try again.", Note: "Nothing is lost.",
			Actions: []Action{
				{Label: "Try again", Post: "/api/choose", Fields: []Field{{"instagram_id", "1"}, {"instagram_id", "2"}}, Primary: true},
				{Label: "Start over", Href: "/api/login"},
				{Label: "Leads nowhere"},
			},
		},
		"error_bare":      Error{Title: "Something went wrong"},
		"chooser":         Chooser{Action: "/api/choose", Fields: []Field{{"flow", "abc"}}, Accounts: []Account{bakery, nameless}, Again: askAgain, Cancel: goBack},
		"chooser_notice":  Chooser{Action: "/api/choose", Accounts: []Account{bakery, nameless}, Notice: "Choose at least one account, then press Connect."},
		"chooser_stopped": Chooser{Action: "/api/choose", Accounts: []Account{bakery, nameless}, Stopped: Stopped{"brand_a", "brand_b"}, Again: askAgain},
		"chooser_many":    Chooser{Action: "/api/choose", Accounts: many},
		"missing": Missing{
			Pages: []Verdict{
				{"Club", "club_ig", NoTask}, {"Old Page", "", NoInstagram}, {"Lena", "lena_h", NotProfessional},
				{"Client", "", NoToken}, {"", "", NoInstagram},
			},
			Again: askAgain, Back: goBack, RequestID: "fra1::x8k2p",
		},
		"erased":           Erased{Code: "5f2c", At: time.Date(2026, 11, 23, 7, 5, 0, 0, time.UTC), Accounts: 2, Events: 1},
		"erased_nothing":   Erased{Code: "5f2c", At: time.Date(2026, 11, 23, 7, 5, 0, 0, time.UTC)},
		"missing_some":     Missing{Pages: []Verdict{{"Aurora", "aurora.bakery", Connected}, {"Old Page", "", NoInstagram}}, Again: askAgain},
		"missing_saved":    Missing{Pages: []Verdict{{"Club", "club_ig", NoTask}}, Saved: true, Again: askAgain, Back: goBack},
		"missing_one":      Missing{Pages: []Verdict{{"Old Page", "", NoInstagram}}, Again: askAgain},
		"missing_many":     Missing{Pages: folded, Again: askAgain},
		"missing_no_page":  Missing{Again: askAgain, Back: goBack, RequestID: "fra1::x8k2p"},
		"missing_declined": Missing{Declined: Permissions([]string{"instagram_manage_messages", "pages_messaging"}), Again: askAgain},
		"missing_business": Missing{Declined: Permissions([]string{"business_management"}), Person: "Maria Roth", Again: askAgain},
		"missing_stopped":  Missing{Pages: []Verdict{{"Old Page", "", NoInstagram}}, Stopped: Stopped{"brand_a"}, Person: "Maria Roth", Again: askAgain},
	}
}

func TestGolden(t *testing.T) {
	for name, p := range variants() {
		t.Run(name, func(t *testing.T) {
			got := draw(t, p)
			file := filepath.Join("testdata", name+".golden.html")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("page differs from %s (run with -update if it should):\n%s", file, diff)
			}
		})
	}
}

// Every golden file belongs to a variant, so that none goes stale unseen.
func TestGoldenFilesAreAllUsed(t *testing.T) {
	names, err := filepath.Glob("testdata/*.golden.html")
	if err != nil {
		t.Fatal(err)
	}
	pages := variants()
	for _, name := range names {
		if _, ok := pages[filepath.Base(name[:len(name)-len(".golden.html")])]; !ok {
			t.Errorf("%s belongs to no page", name)
		}
	}
}

// draw renders p and returns the body.
func draw(t *testing.T, p Page) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	if err := Render(w, 200, Policy{}, p); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(w.Body.Bytes())
}
