package app

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"igconnect/lib/sealed"
)

// sealedOnce are cookies that were sealed once with the secrets of fuzzed, the
// second of which is an older one. They are written down, because a seal differs
// each time and the corpus holds them too.
var sealedOnce = []struct {
	state, name, value string
	want               State // none where it must not be taken
	code               Code
}{
	{"fresh-state", "__Host-igconnect_state_fcc1464bdbb28f03", "bH1fasQMUjpL0hKnt49Fc72qwH3FaAIscMF7bM3GsD2JzW7SxwTfMhNHL4HcJZmOwtzb1XNjNJV3O8yxHvXq1SjVTn5feWOZgaJAoZw56J9UGCGzN_p5fKCT-L9eQxnHli9c9XYNZgjhljfP8HxF8pxhqivsJBtC1TOd2baV1eu2jACykm-dwMfKHrr9MDfh5UBtuWtZFm4in8M8XWVns6gNR3qJu2mG1SVuttfL0CWBGTHj6ql9q_e4I-TDOeXBSxNC5jpwCQ",
		State{"fresh-state", uuid.MustParse(fuzzUser), Wish{"/settings?tab=1", true, "17841400000000001"}}, ""},
	{"rotated-state", "__Host-igconnect_state_7131552d421cc619", "Gf7zngux3mWtwAPtalB-2H64HRAAqyomgqysuVeMcY6Ea4G1O3pm3JBsstEwQNvxZt8_z246b3BkPdSq6coDod8k8NLmFof_wMa1b-1F0-pF7XQrjCozNDyexIELF3rt2EFTtqlSUSQD1QVLaCcSsbK4PpPVm31S6lSRmzR_",
		State{"rotated-state", uuid.MustParse(fuzzUser), Wish{}}, ""},
	{"expired-state", "__Host-igconnect_state_a26a37a9853646b5", "YLmrqizT7KJ5fK4HHiLv9xtAWO5fgavQvLL0_DkEJIXs79ec-m-FE_Wj8m8xbZHEOqomLeoLT1vlq57M6INBf2n4TQXAQfGxS1tzEsfq_DvaQ4wpZ6YFOJKvbtbpVupjpy3vEozn_0obak15JpZzNgVuCDY5-edckw5YCi12",
		State{}, StateExpired},
	{"foreign-state", "__Host-igconnect_state_aa9d2a075302a2e0", "ZBihqsfpQpNY_FjiMoN9xIMDsH7ilycT4YXc-V8he_TAroBt9dfjP5MdacIma0R3mhHShWwEbvMBePQa7AeefcXT3w1pifApUhyeVQAxsOZ8fUrh97q8znVSZtJf4_6HogwFdl-Yz82GmXWCXRs8Cfe_eaLxAufDB6w_beQJzhQ",
		State{}, StateMismatch}, // it holds another state
}

// grantOnce is a sealed grant, of the flow of fresh-state.
const (
	grantName  = "__Host-igconnect_grant_fcc1464bdbb28f03"
	grantValue = "OpTfWoIxrcyi8xG-I2w_llkao2MjC4_eZBhc-Ay0AC4JmShV3-Sdv1BUksSR-LKv_N328Zy5b39hl0TVZxcy7DknI-AqqwUEDRGjkAUgujETMu5fOSBhlKIF-aCyaT9UKCTcbC9fEgHynBaLOB8x3bFTUxXDlw6LUBGS33suMrnxATVn6sgeA3AVcYtminwvwmCo17oq0wMmzDcazL1LAxqV6EBv9cmrz-i-s2v6JhpRtgwSQhCCqwrHZCma6VthF7Q0GaAi"

	fuzzUser = "6f09c27e-5d0b-4b43-9c0e-0a3b8f6d2c11"
)

// fuzzed is an App with settings that never change, at the time of the seals.
func fuzzed(f *testing.F) *App {
	settings := map[string]string{
		"FB_APP_ID": "1234567890", "FB_APP_SECRET": "a-new-secret-for-tests,an-old-secret-for-tests",
		"REDIRECT_URI": own + "/api/auth/callback", "SUPABASE_URL": "https://abcdefghijklmnopqrst.supabase.co", "SUPABASE_SECRET_KEY": "sb_secret_for-tests",
	}
	a, err := New(func(name string) string { return settings[name] })
	if err != nil {
		f.Fatal(err)
	}
	a.now = func() time.Time { return time.Unix(1_800_000_000, 0) }
	a.States.Now, a.Grants.Now, a.log = a.now, a.now, slog.New(slog.DiscardHandler)
	return a
}

// with is a call of a browser that sent these cookies.
func (a *App) with(cookies ...string) (*Call, *httptest.ResponseRecorder) {
	w := httptest.NewRecorder()
	return &Call{App: a, W: w, R: &http.Request{Method: http.MethodGet, Header: http.Header{"Cookie": cookies}}}, w
}

// FuzzTakeState gives a whole Cookie header and the state that Meta is said to
// have sent back. Nothing is believed but a seal of ours, in time, of that very
// state; such a one is believed among whatever else; and it is cleared each
// time. A grant is no state, and a state no grant.
func FuzzTakeState(f *testing.F) {
	a := fuzzed(f)
	f.Fuzz(func(t *testing.T, header, sent string) {
		c, w := a.with(header)
		state, err := c.TakeState(sent)
		checkTaken(t, header, sent, state, err)
		if err != nil && c.Wish != (Wish{}) {
			t.Errorf("refused, and its wish stays: %+v", c.Wish)
		}
		cleared := "__Host-igconnect_state_" + sealed.Flow(sent) + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
		if set := w.Header()["Set-Cookie"]; sent != "" && (len(set) != 1 || set[0] != cleared) {
			t.Errorf("Set-Cookie: %q", set)
		}

		for _, once := range sealedOnce {
			valid := once.name + "=" + once.value
			c, _ := a.with(valid+"; theme=dark", header)
			state, err := c.TakeState(once.state)
			if tooMany := strings.Count(header, ";") > 2000; !tooMany && (codeOf(err) != once.code || err == nil && cmp.Diff(once.want, state) != "") {
				t.Errorf("%s beside %q: %+v, %v", once.state, header, state, err)
			}
		}

		c, _ = a.with(header)
		for _, flow := range []string{"", sent, sealed.Flow(sent), "fcc1464bdbb28f03"} {
			_, grant, err := c.OpenGrant(flow)
			if ours := strings.Contains(header, grantName) && strings.Contains(header, grantValue); err == nil && (!ours || grant.Token.Value.Reveal() != "grant-token") {
				t.Errorf("a grant out of %q: %+v", header, grant)
			}
			if code := codeOf(err); code != "" && code != StateMismatch && code != StateExpired {
				t.Errorf("%v", err)
			}
		}
	})
}

// checkTaken wants a state where the header holds one that was sealed for it,
// else one of the known refusals, which quote nothing.
func checkTaken(t *testing.T, header, sent string, state State, err error) {
	t.Helper()
	if err == nil {
		for _, once := range sealedOnce {
			if once.state == sent && once.code == "" && cmp.Diff(once.want, state) == "" && strings.Contains(header, once.name) && strings.Contains(header, once.value) {
				return
			}
		}
		t.Errorf("%q was believed for %q: %+v", header, sent, state)
		return
	}
	known := []string{"no state", "the state differs", "unreadable seal", "expired seal"}
	if code := codeOf(err); state != (State{}) || code != StateMismatch && code != StateExpired || !slices.Contains(known, err.Error()) {
		t.Errorf("%+v, %v", state, err)
	}
}

// codeOf is the code of an error of this package; "" where there is none.
func codeOf(err error) Code {
	var failure *Failure
	if errors.As(err, &failure) {
		return failure.Code
	}
	if err != nil {
		return Internal
	}
	return ""
}
