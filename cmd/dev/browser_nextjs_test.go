package main

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"igconnect/internal/chromium"
)

// TestNextjs walks through examples/nextjs, as it is built for production, in a real browser: somebody
// signs up, connects an account, answers a message and disconnects. It does so for each way in which
// the app may sign people in and tell igconnect who they are.
func TestNextjs(t *testing.T) {
	path := chromium.Find(t)
	folder := buildNextjs(t)
	app := freeAddress(t)
	betterAuth := func() env {
		return env{
			"AUTH": "better-auth", "BETTER_AUTH_URL": "http://" + app, "BETTER_AUTH_SECRET": "a-secret-of-the-tests-of-32-bytes-and-more",
			"USERS_DATABASE": "file:" + filepath.Join(t.TempDir(), "users.db"),
		}
	}
	for _, way := range []struct {
		name            string
		igconnect, more env // settings of igconnect, and of the app beside the printed ones
	}{
		{"Supabase Auth", env{}, env{}},
		{"Better Auth, tickets", env{"VOUCH_URL": "http://" + app + "/instagram/vouch"}, betterAuth()},
		{"Better Auth, JWTs",
			env{"JWT_ISSUER": "http://" + app, "JWT_AUDIENCE": "http://" + app, "JWT_JWKS_URL": "http://" + app + "/api/auth/jwks"},
			betterAuth()},
	} {
		t.Run(way.name, func(t *testing.T) {
			s := startSystem(t, func(o *options) {
				o.at.main = nextjsBackend
				o.env = env{"REDIRECT_URI": "http://" + app + "/api/auth/callback"}
				maps.Copy(o.env, way.igconnect)
			})
			startNextjs(t, s, folder, app, way.more)
			walkNextjs(t, s, path, app)
		})
	}
}

// walkNextjs is one person's way through the app.
func walkNextjs(t *testing.T, s *system, path, app string) {
	b := openTab(t, s, startChromium(t, path), variants[0])
	b.do(chromedp.Navigate("http://" + app))
	b.write("E-mail", "new@example.com")
	b.write("Password", "a-password-for-tests")
	b.press("button", "Sign up")
	b.sees("heading", "Settings")

	b.press("button", "Connect Instagram")
	b.be("Ada Lindqvist")
	b.share("Lindqvist Ceramics")
	b.wantAccounts("@lindqvist.ceramics")
	b.wantSaved("lindqvist.ceramics active")
	b.photograph("nextjs-settings")

	b.press("link", "Inbox")
	b.reads("No message yet.")
	const question, reply = "Do you ship to <Norway>?", "Yes, we do."
	form := messageForm{Account: "17841400011223301", Person: senders[0].ID, Kind: "message", Text: question}
	if _, err := s.sendMessages(t.Context(), form); err != nil {
		t.Fatal(err)
	}
	b.reads(question) // by itself
	b.write("Your answer", reply)
	b.press("button", "Answer")
	b.reads("Answered.")
	b.photograph("nextjs-inbox")
	var sent []string
	for _, r := range s.meta.Replies() {
		sent = append(sent, r.Recipient+" "+r.Text)
	}
	if want := []string{senders[0].ID + " " + reply}; !slices.Equal(sent, want) {
		t.Errorf("sent are %q, want %q", sent, want)
	}
	if open := s.saved(t, "(select count(*) from public.instagram_events where finished_at is null and kind = 'message')"); !slices.Equal(open, []string{"0"}) {
		t.Errorf("open messages: %q", open)
	}

	b.press("link", "Settings")
	b.wantAccounts("@lindqvist.ceramics")
	evaluate[bool](b, "(window.confirm = () => true)()")
	b.press("button", "Disconnect @lindqvist.ceramics")
	b.wantAccounts()
	b.wantSaved()
	b.press("button", "Sign out")
	b.sees("button", "Sign up")
}

// write puts a text into a field.
func (b *tab) write(field, text string) {
	b.Helper()
	b.press("textbox", field)
	b.do(command(input.InsertText, input.InsertTextParams{Text: text}))
}
