package connect

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/lib/identity"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

// sealedOnce are cookies that were sealed once with the secrets of fuzzed, the second of which is an
// older one. They are written down, because a seal differs each time and the corpus holds them too.
var sealedOnce = []struct {
	state, name, value string
	want               State // none where it must not be taken
	err                error
}{
	{"fresh-state", "__Host-igconnect_state_fcc1464bdbb28f03", "bH1fasQMUjpL0hKnt49Fc72qwH3FaAIscMF7bM3GsD2JzW7SxwTfMhNHL4HcJZmOwtzb1XNjNJV3O8yxHvXq1SjVTn5feWOZgaJAoZw56J9UGCGzN_p5fKCT-L9eQxnHli9c9XYNZgjhljfP8HxF8pxhqivsJBtC1TOd2baV1eu2jACykm-dwMfKHrr9MDfh5UBtuWtZFm4in8M8XWVns6gNR3qJu2mG1SVuttfL0CWBGTHj6ql9q_e4I-TDOeXBSxNC5jpwCQ",
		State{State: "fresh-state", User: identity.User{ID: fuzzUserID}, LoginOptions: LoginOptions{"/settings?tab=1", true, "17841400000000001", ""}}, nil},
	{"rotated-state", "__Host-igconnect_state_7131552d421cc619", "Gf7zngux3mWtwAPtalB-2H64HRAAqyomgqysuVeMcY6Ea4G1O3pm3JBsstEwQNvxZt8_z246b3BkPdSq6coDod8k8NLmFof_wMa1b-1F0-pF7XQrjCozNDyexIELF3rt2EFTtqlSUSQD1QVLaCcSsbK4PpPVm31S6lSRmzR_",
		State{State: "rotated-state", User: identity.User{ID: fuzzUserID}}, nil},
	{"expired-state", "__Host-igconnect_state_a26a37a9853646b5", "YLmrqizT7KJ5fK4HHiLv9xtAWO5fgavQvLL0_DkEJIXs79ec-m-FE_Wj8m8xbZHEOqomLeoLT1vlq57M6INBf2n4TQXAQfGxS1tzEsfq_DvaQ4wpZ6YFOJKvbtbpVupjpy3vEozn_0obak15JpZzNgVuCDY5-edckw5YCi12",
		State{}, ErrExpired},
	{"foreign-state", "__Host-igconnect_state_aa9d2a075302a2e0", "ZBihqsfpQpNY_FjiMoN9xIMDsH7ilycT4YXc-V8he_TAroBt9dfjP5MdacIma0R3mhHShWwEbvMBePQa7AeefcXT3w1pifApUhyeVQAxsOZ8fUrh97q8znVSZtJf4_6HogwFdl-Yz82GmXWCXRs8Cfe_eaLxAufDB6w_beQJzhQ",
		State{}, ErrState}, // it holds another state
}

// grantOnce is a sealed grant, of the flow of fresh-state.
const (
	grantName  = "__Host-igconnect_grant_fcc1464bdbb28f03"
	grantValue = "OpTfWoIxrcyi8xG-I2w_llkao2MjC4_eZBhc-Ay0AC4JmShV3-Sdv1BUksSR-LKv_N328Zy5b39hl0TVZxcy7DknI-AqqwUEDRGjkAUgujETMu5fOSBhlKIF-aCyaT9UKCTcbC9fEgHynBaLOB8x3bFTUxXDlw6LUBGS33suMrnxATVn6sgeA3AVcYtminwvwmCo17oq0wMmzDcazL1LAxqV6EBv9cmrz-i-s2v6JhpRtgwSQhCCqwrHZCma6VthF7Q0GaAi"

	fuzzUserID = "6f09c27e-5d0b-4b43-9c0e-0a3b8f6d2c11"
)

// fuzzed is a Service with settings that never change, at the time of the seals.
func fuzzed(f *testing.F) *Service {
	f.Helper()
	secrets := []secret.String{secret.New("a-new-secret-for-tests"), secret.New("an-old-secret-for-tests")}
	box, err := sealed.NewBox(secrets, "https://own.example/api/auth/callback https://abcdefghijklmnopqrst.supabase.co")
	if err != nil {
		f.Fatal(err)
	}
	return New(nil, nil, box, true, func() time.Time { return time.Unix(1_800_000_000, 0) })
}

// jarOf holds what a browser sent in its Cookie headers.
func jarOf(headers ...string) *sealed.Jar {
	return sealed.NewJar((&http.Request{Header: http.Header{"Cookie": headers}}).Cookies())
}

// FuzzConsumeState gives a whole Cookie header and the state that Meta is said to have sent back.
// Nothing is believed but a seal of ours, in time, of that very state; such a one is believed among
// whatever else; and it is cleared each time. A grant is no state, and a state no grant.
func FuzzConsumeState(f *testing.F) {
	s := fuzzed(f)
	f.Fuzz(func(t *testing.T, header, sent string) {
		jar := jarOf(header)
		state, err := s.States.Consume(jar, sent)
		checkConsumed(t, header, sent, state, err)
		cleared := "__Host-igconnect_state_" + sealed.Flow(sent) + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
		if set := jar.Changes(); sent != "" && (len(set) != 1 || set[0].String() != cleared) || sent == "" && len(set) != 0 {
			t.Errorf("cookies set: %v", set)
		}

		for _, once := range sealedOnce {
			valid := once.name + "=" + once.value
			state, err := s.States.Consume(jarOf(valid+"; theme=dark", header), once.state)
			if tooMany := strings.Count(header, ";") > 2000; !tooMany && (!errors.Is(err, once.err) || state != once.want) {
				t.Errorf("%s beside %q: %+v, %v", once.state, header, state, err)
			}
		}

		for _, flow := range []string{"", sent, sealed.Flow(sent), "fcc1464bdbb28f03"} {
			grant, err := s.OpenGrant(jarOf(header), flow)
			if ours := strings.Contains(header, grantName) && strings.Contains(header, grantValue); err == nil && (!ours || grant.Token.Value.Reveal() != "grant-token") {
				t.Errorf("a grant out of %q: %+v", header, grant)
			}
			if err != nil && !errors.Is(err, ErrState) && !errors.Is(err, ErrExpired) {
				t.Errorf("%v", err)
			}
		}
	})
}

// refusals are all that a refused state is called: they quote nothing of it.
var refusals = []string{
	"the login is not this browser's: no state", "the login is not this browser's: the state differs",
	"the login is not this browser's: unreadable seal", "the login has run out: expired seal",
}

// checkConsumed wants a state where the header holds one that was sealed for it, else one of the
// known refusals.
func checkConsumed(t *testing.T, header, sent string, state State, err error) {
	t.Helper()
	if err != nil {
		known := slices.Contains(refusals, err.Error()) && errors.Is(err, ErrExpired) != errors.Is(err, ErrState)
		if state != (State{}) || !known {
			t.Errorf("%+v, %v", state, err)
		}
		return
	}
	for _, once := range sealedOnce {
		if once.state == sent && once.err == nil && once.want == state && strings.Contains(header, once.name) && strings.Contains(header, once.value) {
			return
		}
	}
	t.Errorf("%q was believed for %q: %+v", header, sent, state)
}
