package page

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed messages/*.json
var messages embed.FS

// Language is one that the pages are written in, as <html lang> has it. Each has a
// file in messages/, which holds all texts: another file is another language.
type Language string

// English is the language of the reference, and of everybody whose own we lack.
const English Language = "en"

// LanguageFor is the language that was asked for; where asked is empty, the one of
// ours that a header Accept-Language prefers. Where we have none it is English.
func LanguageFor(asked, accepted string) Language {
	if asked != "" {
		accepted = asked
	}
	best, most := English, 0.0
	for entry := range strings.SplitSeq(accepted, ",") {
		tag, parameter, _ := strings.Cut(entry, ";")
		weight, err := 1.0, error(nil)
		if _, q, ok := strings.Cut(parameter, "q="); ok {
			weight, err = strconv.ParseFloat(strings.TrimSpace(q), 64)
		}
		if language, ok := known(tag); ok && err == nil && weight > most {
			best, most = language, weight
		}
	}
	return best
}

// known finds the language of a tag such as de-AT.
func known(tag string) (Language, bool) {
	name, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(tag), "_", "-"), "-")
	language := Language(strings.ToLower(name))
	_, ok := languages()[language]
	return language, ok
}

// languages lists those that have a file. Each is parsed at its first use.
var languages = sync.OnceValue(func() map[Language]func() texts {
	all := map[Language]func() texts{}
	files, err := messages.ReadDir("messages")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		name := file.Name()
		all[Language(strings.TrimSuffix(name, ".json"))] = sync.OnceValue(func() texts { return parse(name) })
	}
	return all
})

func parse(name string) (parsed texts) {
	text, err := messages.ReadFile("messages/" + name)
	if err == nil {
		err = json.Unmarshal(text, &parsed)
	}
	if err != nil {
		panic(fmt.Errorf("messages/%s: %w", name, err))
	}
	return parsed
}

// Key names a text in each of the files. A text may hold {places} for values.
type Key string

// The texts that callers choose.
const (
	AskAgain   Key = "action.ask_again"
	Back       Key = "action.back"
	Cancel     Key = "action.cancel"
	Continue   Key = "action.continue"
	StartAgain Key = "action.start_again"
	TryAgain   Key = "action.try_again"
	Kept       Key = "error.kept"
	NoneTicked Key = "chooser.script.none_ticked"
)

// Text is one text without places, for programs. A key that is not in the files is a
// mistake in the program, and panics.
func Text(language Language, key Key) string {
	text, err := languages()[language]().text(key)
	if err != nil {
		panic(err)
	}
	return text
}

// texts are those of one language.
type texts map[Key]string

func (t texts) text(key Key) (string, error) {
	text, ok := t[key]
	if !ok {
		return "", fmt.Errorf("there is no text %q", key)
	}
	return text, nil
}

// fill is a text as markup, with values in its places: each place's name is followed by its
// value. All of it is escaped but values that are markup already.
func (t texts) fill(key Key, places ...any) (template.HTML, error) {
	text, err := t.text(key)
	if err != nil {
		return "", err
	}
	if len(places)%2 != 0 {
		return "", errors.New("a place without a value")
	}
	pairs := make([]string, len(places))
	for i := 0; i < len(places); i += 2 {
		value, isMarkup := places[i+1].(template.HTML)
		if !isMarkup {
			value = template.HTML(template.HTMLEscaper(places[i+1]))
		}
		pairs[i], pairs[i+1] = fmt.Sprintf("{%s}", places[i]), string(value)
	}
	escaped := template.HTMLEscapeString(text)
	return template.HTML(strings.NewReplacer(pairs...).Replace(escaped)), nil
}

// counted is the text for one or for several, which {count} says.
func (t texts) counted(key Key, count int, places ...any) (template.HTML, error) {
	form := Key(".other")
	if count == 1 {
		form = ".one"
	}
	return t.fill(key+form, append(places, "count", count)...)
}

// list joins names: "a, b and c".
func (t texts) list(names []string) (template.HTML, error) {
	last := len(names) - 1
	if last < 1 {
		return template.HTML(template.HTMLEscapeString(strings.Join(names, ""))), nil
	}
	return t.fill("list.last", "list", strings.Join(names[:last], ", "), "last", names[last])
}

// steps are the texts key1, key2 and so on, as many as there are.
func (t texts) steps(key Key) (steps []string) {
	for {
		text, ok := t[key+Key(strconv.Itoa(len(steps)+1))]
		if !ok {
			return steps
		}
		steps = append(steps, text)
	}
}

// date is a moment as people write it.
func (t texts) date(at time.Time) (template.HTML, error) {
	at = at.UTC()
	month := strings.Fields(t["date.months"])[at.Month()-1]
	return t.fill("date", "day", at.Day(), "month", month, "year", at.Year(), "time", at.Format("15:04"))
}

// forScript are the texts whose keys begin with one of the prefixes, as JSON.
func (t texts) forScript(prefixes ...string) (string, error) {
	chosen := texts{}
	for key, text := range t {
		for _, prefix := range prefixes {
			if strings.HasPrefix(string(key), prefix) {
				chosen[key] = text
			}
		}
	}
	encoded, err := json.Marshal(chosen)
	return string(encoded), err
}

// reasons are the texts about a connection that needs attention, as JSON, by the English
// ones, which stand in the database.
func (t texts) reasons() (string, error) {
	byEnglish := map[string]string{}
	for key, text := range languages()[English]() {
		if strings.HasPrefix(string(key), "reason.") {
			byEnglish[text] = t[key]
		}
	}
	encoded, err := json.Marshal(byEnglish)
	return string(encoded), err
}

// functions are what templates say in this language.
func (t texts) functions() template.FuncMap {
	return template.FuncMap{
		"text": t.fill, "counted": t.counted, "list": t.list, "steps": t.steps, "date": t.date,
		"forScript": t.forScript, "reasons": t.reasons,
		"key": key, "strong": element("strong"), "code": element("code"), "isolated": element("bdi"), "link": link,
	}
}

// key joins the parts of a key.
func key(parts ...any) Key {
	words := make([]string, len(parts))
	for i, part := range parts {
		words[i] = fmt.Sprint(part)
	}
	return Key(strings.Join(words, "."))
}

// element puts a value between the tags of an element.
func element(name string) func(string) template.HTML {
	return func(value string) template.HTML {
		return template.HTML("<" + name + ">" + template.HTMLEscapeString(value) + "</" + name + ">")
	}
}

// link is a link of ours to another website.
func link(text, address string) template.HTML {
	escaped := template.HTMLEscapeString
	return template.HTML(`<a href="` + escaped(address) + `">` + escaped(text) + "</a>")
}
