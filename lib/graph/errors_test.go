package graph_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"igconnect/internal/graphtest"
	"igconnect/lib/graph"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const maxBody = 2 << 20

// endless writes until the client has had enough.
func endless(w http.ResponseWriter, _ *http.Request) {
	chunk, err := []byte(strings.Repeat("[", 64<<10)), error(nil)
	for err == nil {
		_, err = w.Write(chunk)
	}
}

// TestClasses: only what may pass is tried again, three times in all.
func TestClasses(t *testing.T) {
	const html = "<!DOCTYPE html><title>Sorry, something went wrong.</title>"
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   graph.Class
	}{
		{"4 app limit", refuses(4, 0, "(#4) Application request limit reached"), graph.Throttled},
		{"17 user limit", refuses(17, 2446079, "User request limit reached"), graph.Throttled},
		{"32 page limit", refuses(32, 0, "Page request limit reached"), graph.Throttled},
		{"341 application limit", refuses(341, 0, "Application limit reached"), graph.Throttled},
		{"613 custom limit", refuses(613, 0, "Calls to this api have exceeded the rate limit."), graph.Throttled},
		{"79999", refuses(79999, 0, "?"), graph.Rejected},
		{"80000 first business limit", refuses(80000, 0, "There have been too many calls"), graph.Throttled},
		{"80014 last business limit", refuses(80014, 0, "There have been too many calls"), graph.Throttled},
		{"80015", refuses(80015, 0, "?"), graph.Rejected},
		{"368 blocked for a while", refuses(368, 1390008, "The action attempted has been deemed abusive"), graph.Throttled},
		{"a limit called transient", refuses(4, 0, "limit", `"is_transient":true`), graph.Throttled},
		{"a limit with 403", status(403, envelope(4, 0, "limit")), graph.Throttled},
		{"a limit with 503", status(503, envelope(32, 0, "limit")), graph.Throttled},
		{"429 with another code", status(429, envelope(100, 0, "slow down")), graph.Throttled},
		{"429 with HTML", status(429, html), graph.Throttled},

		{"190", refuses(190, 0, "Invalid OAuth access token."), graph.TokenDead},
		{"190 app removed", refuses(190, 458, "The user has not authorized application"), graph.TokenDead},
		{"190 expired", status(401, envelope(190, 463, "Session has expired")), graph.TokenDead},
		{"190 with 500", status(500, envelope(190, 460, "The session has been invalidated")), graph.Unavailable},
		{"190 with 200", says(envelope(190, 467, "The access token is invalid")), graph.TokenDead},
		{"190 called transient", refuses(190, 463, "expired", `"is_transient":true`), graph.Unavailable},
		{"102", refuses(102, 0, "Session key invalid or no longer valid"), graph.TokenDead},

		{"10", refuses(10, 0, "(#10) Application does not have permission for this action"), graph.NoPermission},
		{"199", refuses(199, 0, "?"), graph.Rejected},
		{"200", refuses(200, 0, "(#200) Requires pages_manage_metadata permission"), graph.NoPermission},
		{"299", refuses(299, 0, "?"), graph.NoPermission},
		{"300", refuses(300, 0, "?"), graph.Rejected},

		// An app that Meta has blocked says so under codes of other failures.
		{"200 blocked", refuses(200, 0, "API access blocked."), graph.BadApp},
		{"200 deactivated", refuses(200, 0, "API access deactivated. To reactivate, go to the app dashboard."), graph.BadApp},
		{"190 deleted", refuses(190, 0, "Error validating application. Application has been deleted."), graph.BadApp},
		{"3", refuses(3, 0, "(#3) Application does not have the capability to make this API call."), graph.BadApp},
		{"codes as texts", status(400, `{"error":{"message":"expired","code":"190","error_subcode":"463"}}`), graph.TokenDead},
		{"a code that is none", status(400, `{"error":{"message":"?","code":{},"error_subcode":[]}}`), graph.Rejected},

		{"101", refuses(101, 0, "Error validating application. Invalid application ID."), graph.BadApp},
		{"1 wrong secret", refuses(1, 0, "Error validating client secret."), graph.BadApp},
		{"no proof", refuses(100, 0, "API calls from the server require an appsecret_proof argument"), graph.BadApp},
		{"wrong proof", refuses(100, 0, "Invalid appsecret_proof provided in the API argument"), graph.BadApp},

		{"100", refuses(100, 33, "Unsupported post request."), graph.Rejected},
		{"an empty envelope", status(400, `{"error":{}}`), graph.Rejected},

		{"1", refuses(1, 99, "An unknown error occurred"), graph.Unavailable},
		{"2", refuses(2, 0, "Service temporarily unavailable"), graph.Unavailable},
		{"transient", refuses(100, 0, "try again", `"is_transient":true`), graph.Unavailable},
		{"500", status(500, envelope(2, 0, "An unexpected error has occurred. Please retry your request later.")), graph.Unavailable},
		{"500 with another code", status(500, envelope(100, 0, "?")), graph.Unavailable},
		{"500 HTML", status(500, html), graph.Unavailable},
		{"502 empty", status(502, ""), graph.Unavailable},
		{"504 plain", status(504, "upstream request timeout"), graph.Unavailable},
		{"400 HTML", status(400, html), graph.Unavailable},
		{"400 with another envelope", status(400, `{"error":"nope"}`), graph.Unavailable},
		{"500 without an envelope", status(500, `{"success":true}`), graph.Unavailable},
		{"201 without an envelope", status(201, `{"success":true}`), graph.Unavailable},
		{"204", status(204, ""), graph.Unavailable},
		{"200 HTML", says(html), graph.Unavailable},
		{"200 empty", says(""), graph.Unavailable},
		{"200 null", says(" null\n"), graph.Unavailable},
		{"200 list", says("[]"), graph.Unavailable},
		{"200 number", says("0"), graph.Unavailable},
		{"200 text", says(`"success"`), graph.Unavailable},
		{"200 half", says(`{"success":`), graph.Unavailable},
		{"200 two answers", says(`{"success":true}{"success":true}`), graph.Unavailable},
		{"200 of another type", says(`{"success":"yes"}`), graph.Unavailable},
		{"a byte too long", says(`{"success":true,"x":"` + strings.Repeat("x", maxBody+1-len(`{"success":true,"x":""}`)) + `"}`), graph.Unavailable},
		{"endless", endless, graph.Unavailable},
		{"cut", graphtest.Cut, graph.Unavailable},
		{"no answer", graphtest.Drops, graph.Unavailable},

		{"odd: more members", says(`{"success":true,"x":[1,{}]}`), ok},
		{"odd: white space", says(" {\"success\" : true}\n"), ok},
		{"odd: no error", says(`{"success":true,"error":null}`), ok},
		{"odd: up to the limit", says(`{"success":true,"x":"` + strings.Repeat("x", maxBody-len(`{"success":true,"x":""}`)) + `"}`), ok},
	} {
		run(t, c.name, routes{subscribeLine: c.answer}, func(t *testing.T, m *meta) {
			failureOf(t, subscribe(t.Context(), m.Client, paged), c.want)
			tries := 1
			if c.want == graph.Unavailable {
				tries = 3
			}
			if got := len(m.Requests()); got != tries {
				t.Errorf("%d requests, want %d", got, tries)
			}
		})
	}
}

// TestErrorFields: what the log and Meta's support need.
func TestErrorFields(t *testing.T) {
	answer := status(403, `{"error":{"message":"(#10) Not allowed","type":"OAuthException","code":10,"error_subcode":2534022,`+
		`"is_transient":false,"error_user_title":"No","error_user_msg":"No.","fbtrace_id":"A1b2C3"}}`)
	run(t, "all of them", routes{subscribeLine: answer}, func(t *testing.T, m *meta) {
		err := subscribe(t.Context(), m.Client, paged)
		failure := failureOf(t, err, graph.NoPermission)
		want := &graph.Error{
			Op: "subscribing the Page", Class: graph.NoPermission, Status: 403,
			Code: 10, Subcode: 2534022, Message: "(#10) Not allowed", FBTraceID: "A1b2C3",
		}
		if diff := cmp.Diff(want, failure, cmpopts.IgnoreUnexported(graph.Error{})); diff != "" {
			t.Error(diff)
		}
		text := "subscribing the Page: HTTP 403, code 10/2534022: (#10) Not allowed (fbtrace_id A1b2C3)"
		if err.Error() != text {
			t.Errorf("%q, want %q", err, text)
		}
	})
}

// TestClassOf: what is none of our errors has the class of a plain refusal.
func TestClassOf(t *testing.T) {
	throttled := &graph.Error{Class: graph.Throttled}
	for _, c := range []struct {
		err  error
		want graph.Class
	}{{throttled, graph.Throttled}, {fmt.Errorf("x: %w", throttled), graph.Throttled}, {errors.New("x"), graph.Rejected}, {nil, graph.Rejected}} {
		if got := graph.ClassOf(c.err); got != c.want {
			t.Errorf("%v: class %d", c.err, got)
		}
	}
	if err := graph.Reclassed(throttled, graph.BadApp, graph.Rejected, graph.TokenDead); graph.ClassOf(err) != graph.Throttled {
		t.Errorf("another class became %v", err)
	}
	if err := graph.Reclassed(throttled, graph.BadApp, graph.Throttled); graph.ClassOf(err) != graph.BadApp {
		t.Errorf("the class stayed %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	usage := func(minutes string) string {
		return fmt.Sprintf(`{"1":[{"type":"pages","call_count":100,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":%s}]}`, minutes)
	}
	limit := refuses(80001, 0, "limit")
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		usage  string
		class  graph.Class
		want   time.Duration
	}{
		{"minutes", limit, usage("19"), graph.Throttled, 19 * time.Minute},
		{"with 429 and HTML", status(429, "<html>"), usage("3"), graph.Throttled, 3 * time.Minute},
		{"the longest of several", limit, `{"1":[{"estimated_time_to_regain_access":2},{"estimated_time_to_regain_access":7}],"2":[{"estimated_time_to_regain_access":5}]}`, graph.Throttled, 7 * time.Minute},
		{"a day at most", limit, usage("9999999999"), graph.Throttled, 24 * time.Hour},
		{"zero", limit, usage("0"), graph.Throttled, 0},
		{"negative", limit, usage("-5"), graph.Throttled, 0},
		{"negative beyond a Duration", limit, usage("-9223372036854775807"), graph.Throttled, 0},
		{"negative, odd", limit, usage("-5000000000000000001"), graph.Throttled, 0},
		{"of another type", limit, usage(`"soon"`), graph.Throttled, 0},
		{"empty", limit, `{}`, graph.Throttled, 0},
		{"a list", limit, `[]`, graph.Throttled, 0},
		{"not JSON", limit, `<html>`, graph.Throttled, 0},
		{"absent", limit, "", graph.Throttled, 0},
		{"of no throttling", refuses(100, 0, "no"), usage("19"), graph.Rejected, 0},
	} {
		answer := withHeader("X-App-Usage", `{"call_count":28,"total_time":25,"total_cputime":25}`, c.answer)
		if c.usage != "" {
			answer = withHeader("X-Business-Use-Case-Usage", c.usage, answer)
		}
		run(t, c.name, routes{subscribeLine: answer}, func(t *testing.T, m *meta) {
			err := subscribe(t.Context(), m.Client, paged)
			if failure := failureOf(t, err, c.class); failure.RetryAfter != c.want {
				t.Errorf("RetryAfter %v, want %v", failure.RetryAfter, c.want)
			}
		})
	}
}
