package page

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var place = regexp.MustCompile(`\{[^}]*\}`)

// Each language has the texts of English, with its places, none empty and none much longer.
func TestEveryLanguageSaysTheSame(t *testing.T) {
	t.Parallel()
	english := languages()[English]()
	if len(languages()) < 5 || len(english) < 100 {
		t.Fatalf("%d languages, %d texts", len(languages()), len(english))
	}
	for language, parsed := range languages() {
		texts := parsed()
		for key := range texts {
			if _, ok := english[key]; !ok {
				t.Errorf("%s: %s is not in English", language, key)
			}
		}
		for key, reference := range english {
			text := texts[key]
			places, want := place.FindAllString(text, -1), place.FindAllString(reference, -1)
			slices.Sort(places)
			slices.Sort(want)
			if diff := cmp.Diff(want, places); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", language, key, diff)
			}
			if strings.TrimSpace(text) != text || text == "" || strings.ContainsAny(text, "<>&\n") || !utf8.ValidString(text) {
				t.Errorf("%s: %s is %q", language, key, text)
			}
			// Short texts get some letters more.
			if most := utf8.RuneCountInString(reference)*16/10 + 12; utf8.RuneCountInString(text) > most {
				t.Errorf("%s: %s has more than %d letters: %s", language, key, most, text)
			}
		}
		if got := len(strings.Fields(texts["date.months"])); got != 12 {
			t.Errorf("%s: %d months", language, got)
		}
	}
}

// Each page of each language holds its own texts, all places filled.
func TestEveryPageInEveryLanguage(t *testing.T) {
	t.Parallel()
	for language := range languages() {
		for name, p := range variants() {
			body := drawIn(t, language, p)
			if !strings.Contains(body, `<html lang="`+string(language)+`">`) || !strings.Contains(body, "<title>"+string(must(languages()[language]().fill(p.Title())))+"</title>") {
				t.Errorf("%s: %s: no language, or another title:\n%s", language, name, body)
			}
			_, content, _ := strings.Cut(body, "<main>")
			content = regexp.MustCompile(`data-(texts|reasons)="[^"]*"`).ReplaceAllString(content, "") // filled by the script
			if left := place.FindString(content); left != "" {
				t.Errorf("%s: %s: %s is not filled", language, name, left)
			}
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// No text is left that nobody says: its key, or the part of it that is not put together
// from values, stands in a template or in a program.
func TestEveryTextIsSaid(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !strings.HasSuffix(name, "_test.go") {
				said.Write(must(os.ReadFile(name)))
			}
		}
	}
	composed := regexp.MustCompile(`^(error\..*\.(title|what|next)|erased\.|verdict\.|permission\.|chooser\.script\.|home\.script\.|reason\.|home\.(denied|failed)\.)|\.(one|other)$`)
	for key := range languages()[English]() {
		name := string(key)
		if !composed.MatchString(name) && !strings.Contains(said.String(), `"`+name+`"`) {
			t.Errorf("nobody says %s", name)
		}
		if base, _, counted := strings.Cut(name, ".one"); counted && !strings.Contains(name, ".script.") && !strings.Contains(said.String(), `counted "`+base+`"`) {
			t.Errorf("nobody counts %s", base)
		}
	}
}

func TestLanguageFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		asked, accepted string
		want            Language
	}{
		{"", "", "en"},
		{"", "de", "de"},
		{"", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"", "nl,fr;q=0.7,es;q=0.8", "es"},
		{"", "en;q=0.5, pt-BR ; q=0.6", "pt"},
		{"", "fr,de", "fr"}, // of the same weight the first
		{"", "fr;q=0,de;q=0.1", "de"},
		{"", "fr;q=abc,de;q=NaN,es;q=-1", "en"},
		{"", "nl, *;q=0.5", "en"},
		{"", "zh-Hant-TW", "en"},
		{"", ";;,,=q;q", "en"},
		{"", strings.Repeat("de,", 10_000), "de"},
		{"es", "de", "es"}, // what was asked for wins
		{"pt-BR", "de", "pt"},
		{"pt_BR", "de", "pt"},
		{"FR", "de", "fr"},
		{"tlh", "de", "en"}, // and is English where we lack it
		{"*", "de", "en"},
		{"../../etc/passwd", "de", "en"},
		{"\"><script>", "de", "en"},
	} {
		if got := LanguageFor(tt.asked, tt.accepted); got != tt.want {
			t.Errorf("LanguageFor(%q, %.40q) = %s, want %s", tt.asked, tt.accepted, got, tt.want)
		}
	}
}

// A page in a language that we lack is English and says so.
func TestRenderInAnotherLanguage(t *testing.T) {
	t.Parallel()
	if body := drawIn(t, `"><b>`, Error{Code: "internal"}); body != draw(t, Error{Code: "internal"}) {
		t.Errorf("the page is another one:\n%s", body)
	}
}

func TestFillEscapesValuesAndFillsOnce(t *testing.T) {
	t.Parallel()
	german := languages()["de"]()
	got, err := german.fill("missing.profile.tell_person", "person", "<b>{person}</b>")
	if want := "&lt;b&gt;{person}&lt;/b&gt; ist nicht das Profil"; err != nil || !strings.HasPrefix(string(got), want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if got, err := german.fill("nobody.says.this"); err == nil {
		t.Errorf("a text that does not exist is %q", got)
	}
}

// Each reason that a connection can be given has a text in each language, and no other has one.
func TestEveryReasonHasAText(t *testing.T) {
	t.Parallel()
	given := map[string]bool{}
	for pattern, sentence := range map[string]string{
		"../renew/check.go":              `reason: "([A-Z][^"]+)("| \+)`,
		"../graph/account.go":            `Loss = "([^"]+)"`,
		"../connect/reconcile.go":        `leftOut = "([^"]+)"`,
		"../../supabase/migrations/*sql": `(?s)status_reason = ''?([A-Z][^']+)'|unopened\(\).{1,120}select '([^']+)'`,
	} {
		for _, name := range must(filepath.Glob(pattern)) {
			for _, found := range regexp.MustCompile(sentence).FindAllStringSubmatch(string(must(os.ReadFile(name))), -1) {
				said := found[1]
				if said == "" {
					said = found[2]
				}
				given[strings.TrimSuffix(said, "at Meta: ")] = true
			}
		}
	}
	told := map[string]bool{}
	for key, text := range languages()[English]() {
		if strings.HasPrefix(string(key), "reason.") {
			told[strings.TrimSuffix(text, "at Meta: {names}.")] = true
		}
	}
	if diff := cmp.Diff(given, told); diff != "" {
		t.Errorf("reasons (-given +told):\n%s", diff)
	}
}
