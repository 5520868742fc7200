package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBase(t *testing.T) {
	for raw, want := range map[string]struct{ base, plain string }{
		"https://connect.example.com":   {"https://connect.example.com", "http://connect.example.com"},
		" https://connect.example.com/": {"https://connect.example.com", "http://connect.example.com"},
		"https://[::1]":                 {"https://[::1]", "http://[::1]"},
		"https://x.example:8443":        {"https://x.example:8443", ""},
		"https://[::1]:8443":            {"https://[::1]:8443", ""},
		"http://localhost:3000":         {"http://localhost:3000", ""},
		"http://127.0.0.1:3000/":        {"http://127.0.0.1:3000", ""},
		"":                              {}, "connect.example.com": {}, "ftp://x.example": {}, "http://connect.example.com": {}, "http://192.0.2.1": {},
		"https://connect.example.com/api/health": {}, "https://me:pw@connect.example.com": {}, "https://x.example?a=b": {}, "https://": {}, "https://x.example#a": {},
	} {
		base, plain, err := parseBase(raw)
		if base != want.base || plain != want.plain || (err == nil) != (base != "") {
			t.Errorf("%q: %q, %q, %v", raw, base, plain, err)
		}
	}
}

// called runs the program with these variables.
func called(t *testing.T, variables map[string]string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	status = run(t.Context(), args, func(name string) string { return variables[name] }, strings.NewReader(""), &out, &errors)
	return status, out.String(), errors.String()
}

func TestRun(t *testing.T) {
	at := newDeployment(t, (*httptest.Server).Start)
	secrets := map[string]string{"CRON_SECRET": cronSecret + "\n", "DOCTOR_SESSION": session, "SUPABASE_URL": newProject(t, nil).URL, "SUPABASE_ANON_KEY": publicKey, "TERM": "xterm"}

	status, out, errors := called(t, secrets, "-url", at.URL)
	if status != 0 || !strings.HasSuffix(out, "\nNothing is wrong. 1 not checked.\n") || strings.Contains(out, "\x1b") {
		t.Errorf("%d\n%s%s", status, out, errors)
	}
	if !strings.Contains(out, "\nDatabase\n  ok           anon: get_instagram_token\n") {
		t.Error(out)
	}

	at.instead["GET /api/renew"] = answering(200, nil, "{}")
	status, out, _ = called(t, secrets, "-url", at.URL)
	if status != 1 || !strings.Contains(out, "\n  wrong        renew refuses without secret          It does not. Anybody can start it.\n               -> Deploy the newest") {
		t.Errorf("%d\n%s", status, out)
	}

	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(cronSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, _ = called(t, nil, "-url", at.URL, "-json", "-secret-file", file)
	var told report
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatal(err)
	}
	if status != 1 || told.OK || told.Wrong != 1 || told.Unchecked != 4 || told.Checks[0] != (check{Group: "Settings and services, from /api/health", Name: "FB_APP_ID", State: isOK}) {
		t.Errorf("%d %+v", status, told)
	}
	for _, printed := range []string{out, errors} {
		if strings.Contains(printed, cronSecret) || strings.Contains(printed, session) {
			t.Error("a secret is printed")
		}
	}
}

func TestCalledWrongly(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "doctor: -url is missing"},
		{[]string{"-url", "http://connect.example.com"}, "must start with https://"},
		{[]string{"-url", "http://localhost:1", "more"}, `there is no argument "more"`},
		{[]string{"-url", "http://localhost:1", "-secret-file", empty}, "is empty"},
		{[]string{"-url", "http://localhost:1", "-secret-file", empty + "s"}, "reading -secret-file"},
		{[]string{"-secret", "x"}, "flag provided but not defined"},
	} {
		if status, out, errors := called(t, nil, c.args...); status != 2 || out != "" || !strings.Contains(errors, c.want) {
			t.Errorf("%v: %d %s%s", c.args, status, out, errors)
		}
	}
	if status, _, _ := called(t, nil, "-help"); status != 0 {
		t.Errorf("-help: %d", status)
	}
}

func TestText(t *testing.T) {
	r := newReport("https://x.example", []check{
		{Group: "A", Name: "one", State: isOK}, {Group: "A", Name: "two\x1b[2J", State: isWrong, Problem: "Bad\r\n.", Fix: "Mend\x07 it."},
		{Group: "B", Name: "three", State: isUnchecked, Problem: "Why."}, {Group: "B", Name: "four", State: isNote, Problem: "So."},
	})
	want := "https://x.example\n\nA\n" +
		"\x1b[32m  ok           one\x1b[0m\n" +
		"\x1b[31m  wrong        two[2J                                Bad.\x1b[0m\n               -> Mend it.\n\nB\n" +
		"\x1b[33m  not checked  three                                 Why.\x1b[0m\n" +
		"\x1b[36m  note         four                                  So.\x1b[0m\n\n1 of 4 wrong. 1 not checked.\n"
	if got := r.text(true); got != want {
		t.Errorf("%q", got)
	}
}

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
		passed("anon: get_instagram_token"), passed("authenticated: user_configs.token"), passed("algorithm"), passed("JWT_AUDIENCE"),
	} {
		c.Group = "Group"
		if line := strings.Split(newReport("", []check{c}).text(false), "\n")[3]; !strings.Contains(string(document), "\n"+line+"\n") {
			t.Errorf("not in docs/doctor.md: %q", line)
		}
	}
}
