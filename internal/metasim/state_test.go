package metasim

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// restarted ends r and begins another one on the same file.
func (r *rig) restarted(file string) *rig {
	r.t.Helper()
	r.Close()
	again := newRig(r.t, ada, Person{ID: "502", Name: "Bo"})
	again.keep(file)
	return again
}

// keep keeps the state in file, where all must go well.
func (r *rig) keep(file string) {
	r.t.Helper()
	if err := r.Keep(file, func(err error) { r.t.Errorf("reported: %v", err) }); err != nil {
		r.t.Fatal(err)
	}
}

// TestKeep shows what a restart leaves as it was, and that nothing else had to happen for that: no
// Close comes before it.
func TestKeep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "of", "its", "own", "meta.json")
	r := newRig(t, ada, Person{ID: "502", Name: "Bo"})
	r.keep(file)
	code := r.code(Approval{})
	short := r.shortToken(Approval{}, "scope", seedScope+",pages_messaging")
	long := r.token(r.oauth(upgradeForm(short)))
	page, bo := r.pageToken("901", long), r.Grant(Grant{Person: "502"})
	r.call("POST", "/901/subscribed_apps", page, "subscribed_fields", "messages,standby").want(t, 200, 0, 0, "")
	hello := r.Delivery("17841001", Message("77", "17841001", "hello").At(start))
	must(r.Deliver(t.Context(), newHook(t).url, hello))
	send := func(to string) reply {
		return r.call("POST", "/901/messages", page, "recipient", `{"id":"`+to+`"}`, "message", `{"text":"yes"}`)
	}
	send("77").want(t, 200, 0, 0, "")
	r.Decline("501", "instagram_basic")
	r.LoseRole("501", "902")
	r.DeletePage("903")
	r.ChangePassword("502")
	r.Jump(20 * time.Hour)
	replies, secrets := r.Replies(), len(r.Secrets())

	for range 2 { // a state that was read is written as it was
		r = r.restarted(file)
	}
	r.call("GET", "/901", page).has(t, "name", "Ceramics")
	r.call("GET", "/me", bo).want(t, 401, 190, 460, "")
	if got := r.pageToken("901", long); got != page {
		t.Error("the same user token gets another token of the Page")
	}
	if got := r.Subscribed("901"); !cmp.Equal(got, []string{"messages", "standby"}) {
		t.Errorf("subscribed: %q", got)
	}
	for page, want := range map[string]bool{"901": true, "902": false, "903": false} {
		if r.HasRole("501", page) != want {
			t.Errorf("a role on %s: %v", page, !want)
		}
	}
	if !r.Consented("501") || !r.Consented("502") {
		t.Error("a consent is gone")
	}
	if got := read(r.Sim, func() string { return r.consents["501"].state("instagram_basic") }); got != declined {
		t.Errorf("instagram_basic is %q", got)
	}
	if r.Jumped() != 20*time.Hour || !r.Now().Equal(start.Add(20*time.Hour)) {
		t.Errorf("the clock was moved by %v", r.Jumped())
	}
	if diff := cmp.Diff(replies, r.Replies()); diff != "" || len(replies) != 1 {
		t.Errorf("replies (-before +after):\n%s", diff)
	}
	if got := len(r.Secrets()); got != secrets-1-1 { // the codes
		t.Errorf("%d of %d secrets are known", got, secrets)
	}
	send("77").want(t, 200, 0, 0, "")
	send("78").want(t, 403, 10, 2534022, "")
	r.oauth(exchangeForm(code)).want(t, 400, 100, 0, "Invalid verification code format")
	r.RemoveApp("501") // also the token of a Page, through the one that it came from
	r = r.restarted(file)
	r.call("GET", "/901", page).want(t, 401, 190, 458, "")
	if r.Consented("501") {
		t.Error("the app is not removed")
	}
	r.AddPerson(ada)
	if r = r.restarted(file); !r.HasRole("501", "902") {
		t.Error("the role is not given back")
	}
}

// TestKeepDamaged shows that what is no state is put aside and said once, and that all goes on.
func TestKeepDamaged(t *testing.T) {
	whole := func(tokens, consents string) string {
		return `{"Tokens":` + tokens + `,"Consents":` + consents + `,"Subscriptions":{},"LastWritten":{}}`
	}
	for name, text := range map[string]string{
		"empty":                        "",
		"cut":                          `{"Tokens":{"EAA`,
		"two of them":                  "{}{}",
		"no object":                    "[]",
		"null":                         "null",
		"nothing in it":                "{}",
		"an empty token":               whole(`{"EAAx":null}`, `{}`),
		"an empty consent":             whole(`{}`, `{"501":null}`),
		"a consent to nothing":         whole(`{}`, `{"501":{}}`),
		"a token of an unknown one":    whole(`{"EAAx":{"Kind":"PAGE","Parent":"EAAy"}}`, `{}`),
		"another type":                 whole(`{"EAAx":7}`, `{}`),
		"bytes that are no text":       "\x00\xff\xfe",
		"a time that is none":          whole(`{"EAAx":{"Issued":"yesterday"}}`, `{}`),
		"ten thousand opened brackets": strings.Repeat("[", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "meta.json")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			r, reported := newRig(t), []string{}
			if err := r.Keep(file, func(err error) { reported = append(reported, err.Error()) }); err != nil {
				t.Fatal(err)
			}
			want := "connect your accounts again. The file is now " + file + ".damaged"
			if len(reported) != 1 || !strings.Contains(reported[0], want) {
				t.Errorf("reported: %q", reported)
			}
			if aside := string(must(os.ReadFile(file + ".damaged"))); aside != text {
				t.Errorf("put aside: %q", aside)
			}
			long := r.Grant(Grant{})
			r = r.restarted(file)
			r.call("GET", "/me", long).want(t, 200, 0, 0, "")
		})
	}
}

// TestKeepFails shows that what cannot be written is said, once a change, and stops nobody.
func TestKeepFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r, reported := newRig(t), []error{}
	report := func(err error) { reported = append(reported, err) }
	if err := r.Keep(filepath.Join(dir, "meta.json"), report); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	long := r.Grant(Grant{})
	r.call("GET", "/me", long).want(t, 200, 0, 0, "")
	if len(reported) != 1 || !errors.Is(reported[0], os.ErrNotExist) {
		t.Errorf("reported: %v", reported)
	}
	if err := newRig(t).Keep(t.TempDir(), nil); err == nil {
		t.Error("a folder is no file to keep the state in")
	}
}
