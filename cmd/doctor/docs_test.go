package main

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentedReport shows that the example in docs/doctor.md is what the doctor prints.
func TestDocumentedReport(t *testing.T) {
	document, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []check{
		good("FB_APP_ID"), bad("webhook", "Meta sends events to another address.", ""), good("http leads to https"), good("headers of /"),
		good("webhook refuses a wrong token"), good("login refuses strangers"), good("state cookie"), good("instagram_basic"),
		note("pages_messaging", "It is not asked for. An account can be connected, but new messages may not reach us."),
		good("anon: get_instagram_token"), good("authenticated: user_configs.token"),
	} {
		var out strings.Builder
		if err := newReport("", in("Group", []check{c})).text(&out, false); err != nil {
			t.Fatal(err)
		}
		if line := strings.Split(out.String(), "\n")[3]; !strings.Contains(string(document), "\n"+line+"\n") {
			t.Errorf("not in docs/doctor.md: %q", line)
		}
	}
}
