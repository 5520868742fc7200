package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"igconnect/internal/metasim"
)

// inLanguage visits a path as a browser of that language does.
func (d deployment) inLanguage(language, path string) answer {
	d.T.Helper()
	return d.Send(http.MethodGet, path, map[string]string{"Accept": "text/html", "Accept-Language": language}, "")
}

// The language that a login is begun in stays with it: in the state, the grant and the links.
func TestLanguageTravels(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ query, browser, html, title string }{
		"asked for":       {"?lang=de", "fr", "de", "Welche Konten möchten Sie verbinden?"},
		"with a region":   {"?lang=pt-BR", "fr", "pt", "Quais contas você quer conectar?"},
		"unknown":         {"?lang=tlh", "fr", "en", "Which accounts do you want to connect?"},
		"the browser's":   {"", "es-MX,es;q=0.9", "es", "¿Qué cuentas quieres conectar?"},
		"nobody's":        {"", "", "en", "Which accounts do you want to connect?"},
		"asked for twice": {"?lang=fr&lang=de", "es", "fr", "Quels comptes voulez-vous connecter ?"},
	} {
		parallel(t, name, func(t *testing.T) {
			d := deploy(t, brand(1), brand(2))
			chooser := d.inLanguage(tt.browser, d.Get(d.LogIn(tt.query, metasim.Approval{})).Location())
			d.wantTexts(chooser, `<html lang="`+tt.html+`">`, strings.ReplaceAll(tt.title, " ?", "\u00a0?"))
			if asked := "lang=" + tt.html; strings.Contains(chooser.Body, asked) != (tt.query != "") {
				t.Errorf("the links of the chooser: %s", chooser.Body)
			}
		})
	}
}

// A grant that could not be saved, and the choice that is made too late, answer in its language too.
func TestLanguageOfFailures(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2))
	chooser := d.ComeBack(d.LogIn("?lang=de", metasim.Approval{}))
	d.Supabase.Break("save", html(502))
	down := d.Submit(chooser, choice(1))
	d.WantError(down, 503, "store_unavailable")
	d.wantTexts(down, `<html lang="de">`, "Wir können gerade nicht speichern")

	d.wantTexts(d.Get("/api/login?lang=fr&return_to=https://evil.example"), `<html lang="fr">`, "Ce lien ne fonctionne pas")
	refused := d.Send(http.MethodPost, "/api/choose", map[string]string{
		"Accept": "application/json", "Accept-Language": "de", "Origin": d.URL, "Content-Type": "application/x-www-form-urlencoded",
	}, url.Values{"flow": {"0000000000000000"}}.Encode())
	d.WantError(refused, 400, "state_mismatch")
	d.wantTexts(refused, "This login was not started in this browser") // programs read English
}
