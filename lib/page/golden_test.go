package page

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	askAgain = Action{Label: AskAgain, Href: "/api/login?return_to=%2Fteam", Primary: true}
	goBack   = Action{Label: Back, Href: "https://app.example/team"}
)

// variants is one page of each kind, and each way that a template can turn out
// differently.
func variants() map[string]Page {
	two := []Account{
		{InstagramID: "17841400000000001", Username: "aurora.bakery", Name: "Aurora Bakery",
			PictureURL: "https://scontent.cdninstagram.com/v/1.jpg?a=1&b=2", PageName: "Aurora", Connected: true},
		{InstagramID: "17841400000000002", Username: "kiosk21", PageName: "Kiosk", CannotMessage: true},
	}
	many := slices.Clone(two)
	for i := len(many); i < 10; i++ {
		many = append(many, Account{InstagramID: fmt.Sprint(i), Username: fmt.Sprintf("brand%d", i)})
	}
	old, noTask := Verdict{"Old Page", "", NoInstagram}, Verdict{"Club", "club_ig", NoTask}
	folded := make([]Verdict, 9)
	for i := range folded {
		folded[i] = Verdict{PageName: fmt.Sprintf("Shop %d", i), Kind: NoInstagram}
	}
	several := []Verdict{noTask, old, {"Lena", "lena_h", NotProfessional}, {"Client", "", NoToken}, {"", "", NoInstagram}}
	deleted := time.Date(2026, 11, 23, 7, 5, 0, 0, time.UTC)
	return map[string]Page{
		"error": Error{
			Code: "store_unavailable", RequestID: "fra1::x8k2p", Note: Kept,
			Actions: []Action{
				{Label: TryAgain, Post: "/api/choose", Primary: true, Fields: []Field{{"instagram_id", "1"}, {"instagram_id", "2"}}},
				{Label: StartAgain, Href: "/api/login"},
				{Label: Cancel},
			},
		},
		"error_bare": Error{Code: "internal"},

		"chooser":         Chooser{Action: "/api/choose", Fields: []Field{{"flow", "abc"}}, Accounts: two, Again: askAgain, Cancel: goBack},
		"chooser_notice":  Chooser{Action: "/api/choose", Accounts: two, Notice: NoneTicked},
		"chooser_stopped": Chooser{Action: "/api/choose", Accounts: two, Stopped: Stopped{"brand_a", "brand_b"}, Again: askAgain},
		"chooser_many":    Chooser{Action: "/api/choose", Accounts: many},
		"chooser_missed": Chooser{Action: "/api/choose", Accounts: two, Again: askAgain, Cancel: goBack, Person: "Maria Roth",
			Missed: &Missed{Account: "brand_a", PageName: "Brand A", OtherProfile: true}},
		"chooser_pageless": Chooser{Action: "/api/choose", Accounts: two, Again: askAgain, Cancel: goBack,
			Missed: &Missed{Account: "brand_a", PageName: "Brand A", WithoutPage: true}},
		"chooser_unknown": Chooser{Action: "/api/choose", Accounts: two, Again: askAgain, Cancel: goBack, Missed: &Missed{}},

		"done": Done{Accounts: []Verdict{{"Aurora", "aurora.bakery", Connected}, {"Kiosk", "kiosk21", Waiting}, {"Club", "club_ig", NoTask}},
			Count: 3, Onward: Action{Label: Continue, Href: "https://app.example/team?a=1&connected=1,2,3#x", Primary: true}, Goes: true},
		"done_back": Done{Count: 1, Onward: Action{Label: Continue, Href: "/?connected=1", Primary: true}},

		"erased":         Erased{Code: "5f2c", At: deleted, Accounts: 2, Events: 1},
		"erased_nothing": Erased{Code: "5f2c", At: deleted},
		"erased_partly":  Erased{Code: "5f2c", At: deleted, Accounts: 2, Events: 165_000, Rest: true},

		"home":          Home{Login: "/api/login?return_to=%2F", Explain: "/api/login?explain=1&return_to=%2F"},
		"home_denied":   Home{Login: "/api/login?return_to=%2F", Explain: "/api/login?explain=1&return_to=%2F", Failed: HomeDenied},
		"home_failed":   Home{Login: "/api/login?return_to=%2F", Explain: "/api/login?explain=1&return_to=%2F", Failed: HomeFailed},
		"home_saved":    Home{Login: "/api/login?return_to=%2F", Explain: "/api/login?explain=1&return_to=%2F", Saved: true},
		"home_unlisted": Home{Login: "/api/login?return_to=%2F", Explain: "/api/login?explain=1&return_to=%2F", Saved: true, Unlisted: true},

		"missing":           Missing{Pages: []Verdict{old}, Again: askAgain},
		"missing_several":   Missing{Pages: several, Again: askAgain, Back: goBack, RequestID: "fra1::x8k2p"},
		"missing_some":      Missing{Pages: []Verdict{{"Aurora", "aurora.bakery", Connected}, old}, Again: askAgain},
		"missing_saved":     Missing{Pages: []Verdict{noTask}, Saved: true, Again: askAgain, Back: goBack},
		"missing_not_shown": Missing{Pages: []Verdict{{"104550012233401", "", NotShown}}, Again: askAgain},
		"missing_pageless":  Missing{Pageless: true, Again: askAgain},
		"missing_missed":    Missing{Missed: &Missed{Account: "brand_a"}, Person: "Maria Roth", Again: askAgain},
		"missing_unknown":   Missing{Missed: &Missed{WithoutPage: true}, Pageless: true, Again: askAgain},
		"missing_waiting":   Missing{Pages: []Verdict{{"Kiosk", "kiosk21", Waiting}, old}, Saved: true, Again: askAgain},
		"missing_many":      Missing{Pages: folded, Again: askAgain},
		"missing_no_page":   Missing{Again: askAgain, Back: goBack, RequestID: "fra1::x8k2p"},
		"missing_declined":  Missing{Declined: Permissions([]string{"instagram_manage_messages", "pages_messaging"}), Again: askAgain},
		"missing_business":  Missing{Declined: Permissions([]string{"business_management"}), Person: "Maria Roth", Again: askAgain},
		"missing_stopped":   Missing{Pages: []Verdict{old}, Stopped: Stopped{"brand_a"}, Person: "Maria Roth", Again: askAgain},
	}
}

// TestGolden: of each kind of page testdata/ holds one whole; its variants, whose names
// continue its own, are kept as what differs from it.
func TestGolden(t *testing.T) {
	t.Parallel()
	pages, wanted := variants(), map[string]string{}
	for name, p := range pages {
		if base, _, isVariant := strings.Cut(name, "_"); isVariant {
			wanted[name+".golden.diff"] = differences(draw(t, pages[base]), draw(t, p))
		} else {
			wanted[name+".golden.html"] = draw(t, p)
		}
	}
	kept, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range kept {
		if _, ok := wanted[filepath.Base(file)]; !ok {
			t.Errorf("%s belongs to no page", file)
		}
	}
	for name, got := range wanted {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if diff := cmp.Diff(string(want), got); diff != "" || err != nil {
			t.Errorf("%s differs (run with -update if it should): %v\n%s", file, err, diff)
		}
	}
}

// differences lists the lines of base that page lacks (-) and those that it has
// instead (+), each run of them under the number of its first line in base. With
// base it gives the whole page, byte for byte.
func differences(base, page string) string {
	old, new := strings.Split(base, "\n"), strings.Split(page, "\n")
	common := make([][]int, len(old)+1) // [i][j]: the most lines that old[i:] and new[j:] share, in order
	for i := range common {
		common[i] = make([]int, len(new)+1)
	}
	for i, before := range slices.Backward(old) {
		for j, after := range slices.Backward(new) {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); before == after {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var text strings.Builder
	same := true
	for i, j := 0, 0; i < len(old) || j < len(new); {
		if i < len(old) && j < len(new) && old[i] == new[j] {
			i, j, same = i+1, j+1, true
			continue
		}
		if same {
			fmt.Fprintf(&text, "@@ line %d\n", i+1)
			same = false
		}
		if i < len(old) && (j == len(new) || common[i+1][j] >= common[i][j+1]) {
			text.WriteString("-" + old[i] + "\n")
			i++
		} else {
			text.WriteString("+" + new[j] + "\n")
			j++
		}
	}
	return text.String()
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	for _, tt := range [][3]string{
		{"a\nb\nc", "a\nb\nc", ""},
		{"a\nb\nc", "a\nx\ny\nc", "@@ line 2\n-b\n+x\n+y\n"},
		{"a\nb\nc", "b\nc\nd", "@@ line 1\n-a\n@@ line 4\n+d\n"},
		{"a\n", "a", "@@ line 2\n-\n"},
		{"", "a", "@@ line 1\n-\n+a\n"},
	} {
		if got := differences(tt[0], tt[1]); got != tt[2] {
			t.Errorf("from %q to %q: %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
}
