package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"igconnect/internal/chromium"
	"igconnect/internal/filelock"
	"igconnect/internal/supalite"
)

// nextjsBackend is where igconnect answers in TestNextjs: Next.js writes the targets of rewrites into
// its build, which is kept.
const nextjsBackend = "localhost:39017"

// TestNextjs walks through examples/nextjs, as it is built for production, in a real browser: somebody
// signs up, connects an account, answers a message and disconnects. It does so for each way in which
// the app may sign people in and tell igconnect who they are.
func TestNextjs(t *testing.T) {
	path := chromium.Find(t)
	folder := buildNextjs(t)
	app := freeAddress(t)
	const secret = "a-secret-of-the-tests-of-32-bytes-and-more"
	betterAuth := func(more env) env {
		settings := env{
			"AUTH": "better-auth", "BETTER_AUTH_URL": "http://" + app, "BETTER_AUTH_SECRET": "another-" + secret,
			"USERS_DATABASE": "file:" + filepath.Join(t.TempDir(), "users.db"),
		}
		maps.Copy(settings, more)
		return settings
	}
	for _, way := range []struct {
		name            string
		igconnect, more env // settings of igconnect, and of the app beside the printed ones
	}{
		{"Supabase Auth", env{}, env{}},
		{"Better Auth, tickets",
			env{"VOUCH_URL": "http://" + app + "/instagram/vouch", "VOUCH_SECRET": secret},
			betterAuth(env{"VOUCH_SECRET": secret})},
		{"Better Auth, JWTs",
			env{"JWT_ISSUER": "http://" + app, "JWT_AUDIENCE": "http://" + app, "JWT_JWKS_URL": "http://" + app + "/api/auth/jwks"},
			betterAuth(nil)},
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

// freeAddress is an address of localhost that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port)
}

// buildNextjs returns a folder with examples/nextjs as next build leaves it, for this test alone. It
// is built once for these files and this machine.
func buildNextjs(t *testing.T) string {
	t.Helper()
	files := sourcesOf(t, "../../examples/nextjs")
	folder := filepath.Join(installNextjs(t), "app")
	lock(t, folder+".lock")
	stamp, wanted := filepath.Join(folder, "built-of"), fingerprintOf(files)
	if built, err := os.ReadFile(stamp); err == nil && string(built) == wanted {
		return folder
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		target := filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	build := nextjs(t.Context(), folder, "build")
	build.Env = append(build.Env, "IGCONNECT_URL=http://"+nextjsBackend)
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("next build: %v\n%s", err, said)
	}
	if err := os.WriteFile(stamp, []byte(wanted), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

// installNextjs returns the folder with the packages of examples/nextjs.
func installNextjs(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no npm: install Node")
		}
		t.Skip("there is no npm here: install Node to build examples/nextjs")
	}
	installed, err := supalite.InstallPackages(t.Context(), "nextjs", "the packages of examples/nextjs (about 430 MB)",
		os.DirFS("../../examples/nextjs"), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	return installed
}

// TestPartTypes checks public/igconnect/connect.d.ts by what an app may do, and may not.
func TestPartTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages")
	}
	t.Parallel()
	const use = `import { accounts, connect, disconnect, type Account, type Refusal } from "./connect.js";
connect.base = "https://connect.example.com";
connect.token = async () => undefined;
connect.texts.connect = "Instagram verbinden";
const list: Account[] = await accounts();
await disconnect(list[0].instagram_id).catch((err: Refusal) => console.log(err.code, err.message));
await connect({ returnTo: "/settings", provider: "instagram", instagramId: "1", target: "tab", lang: "de" });
addEventListener("igconnect:change", ({ detail }) => console.log(detail.accounts.length, detail.connected?.join()));
document.querySelector("igconnect-button")?.setAttribute("base", connect.base);
// @ts-expect-error
await connect({ target: "popup" });
// @ts-expect-error
connect.texts = "Connect";
// @ts-expect-error
list[0].token;
`
	types, err := os.ReadFile("../../public/igconnect/connect.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{"connect.d.ts": string(types), "use.ts": use} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	compiler := filepath.Join(installNextjs(t), "node_modules", "typescript", "bin", "tsc")
	check := exec.CommandContext(t.Context(), "node", compiler, "--strict", "--noEmit", "--target", "es2022", "--module", "esnext",
		"--moduleResolution", "bundler", "use.ts")
	check.Dir = folder
	if said, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}

// sourcesOf returns the texts of a folder's files, by their paths in it: those of the app, and not what
// npm, Next.js and a person who tries it have put there. The lock file stands beside the packages.
func sourcesOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	others := []string{"node_modules", ".next", ".env.local", "next-env.d.ts", "users.db", "package-lock.json", "README.md", ".gitignore"}
	tree := os.DirFS(folder)
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(others, entry.Name()) && entry.IsDir():
			return fs.SkipDir
		case slices.Contains(others, entry.Name()) || entry.IsDir():
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// fingerprintOf names the content of files.
func fingerprintOf(files map[string]string) string {
	sum := sha256.Sum256([]byte(asJSON(files)))
	return hex.EncodeToString(sum[:6])
}

// lock waits until no other test has the lock, and has it until the test ends.
func lock(t *testing.T, name string) {
	t.Helper()
	for {
		unlock, err := filelock.Lock(name)
		if err == nil {
			t.Cleanup(func() { _ = unlock() })
			return
		}
		if !errors.Is(err, filelock.ErrHeld) || t.Context().Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// nextjs is a command of Next.js in a folder below its packages, with nothing in its environment but
// what it needs.
func nextjs(ctx context.Context, folder string, args ...string) *exec.Cmd {
	program := filepath.Join(filepath.Dir(folder), "node_modules", "next", "dist", "bin", "next")
	cmd := exec.CommandContext(ctx, "node", append([]string{program}, args...)...)
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "NEXT_TELEMETRY_DISABLED=1"}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// startNextjs serves the app at an address, with the settings that the system prints for apps and more
// in its .env.local, and waits until it answers.
func startNextjs(t *testing.T, s *system, folder, address string, more env) {
	t.Helper()
	settings := filepath.Join(folder, ".env.local")
	lines := s.env.forApp(s.at)
	for name, value := range more {
		lines += name + "=" + quote(value) + "\n"
	}
	if err := os.WriteFile(settings, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(address, ":")
	ctx, stop := context.WithCancel(context.Background())
	said := &keptLog{}
	app := nextjs(ctx, folder, "start", "--hostname", host, "--port", port)
	app.Stdout, app.Stderr = said, said
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = app.Wait() // it was told to end
		_ = os.Remove(settings)
		if t.Failed() {
			t.Logf("the app said:\n%s", said.bytes())
		}
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		answer, err := http.Get("http://" + address)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
			err = errors.New(answer.Status)
		}
		if time.Now().After(end) {
			t.Fatalf("the app does not answer: %v", err)
		}
	}
}
