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
		passed("FB_APP_ID"), wrong("webhook", "Meta sends events to another address.", ""), passed("http leads to https"), passed("headers of /"),
		passed("webhook refuses a wrong token"), passed("login refuses strangers"), passed("state cookie"), passed("instagram_basic"),
		note("pages_messaging", "It is not asked for. An account can be connected, but new messages may not reach us."),
		passed("anon: get_instagram_token"), passed("authenticated: user_configs.token"),
	} {
		c.Group = "Group"
		if line := strings.Split(newReport("", []check{c}).text(false), "\n")[3]; !strings.Contains(string(document), "\n"+line+"\n") {
			t.Errorf("not in docs/doctor.md: %q", line)
		}
	}
}
