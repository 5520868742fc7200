package deploytest_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

// worker is one of examples/, ready to run.
type worker struct {
	command []string
	once    string // the option that ends it when the inbox is empty
	dir     string
}

// start runs a worker with nothing in its environment but what it needs. What it prints
// is in said when it has ended.
func (d deployment) start(w *worker, args ...string) (cmd *exec.Cmd, said *bytes.Buffer) {
	d.T.Helper()
	ctx, cancel := context.WithTimeout(d.T.Context(), time.Minute)
	d.T.Cleanup(cancel)
	cmd, said = exec.CommandContext(ctx, w.command[0], append(w.command[1:len(w.command):len(w.command)], args...)...), &bytes.Buffer{}
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.dir, said, said
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"SUPABASE_URL=" + d.Lite.URL, "SUPABASE_SECRET_KEY=" + d.Lite.ServiceKey,
		"FB_APP_SECRET=" + deploytest.AppSecret + ", an-older-one", "FB_GRAPH_URL=" + d.MetaURL,
	}
	if err := cmd.Start(); err != nil {
		d.T.Fatal(err)
	}
	return cmd, said
}

// drain runs a worker until the inbox is empty and returns what it printed.
func (d deployment) drain(w *worker) string {
	d.T.Helper()
	cmd, said := d.start(w, w.once)
	if err := cmd.Wait(); err != nil {
		d.T.Fatalf("%v: %s", err, said)
	}
	d.Watch.See("workers", said.Bytes())
	return said.String()
}

// buildGo copies examples/worker-go into a module of its own, as its README says, and builds it
// there: it needs nothing but the standard library.
func buildGo(t *testing.T) *worker {
	t.Helper()
	module := t.TempDir()
	if err := os.CopyFS(module, os.DirFS("../../examples/worker-go")); err != nil {
		t.Fatal(err)
	}
	main, err := os.ReadFile("../../examples/worker-go/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"main.go": strings.Replace(string(main), "igconnect/examples/worker-go/", "copied/", 1),
		"go.mod":  "module copied\n\ngo 1.26\n",
	} {
		if err := os.WriteFile(filepath.Join(module, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", "worker-go", ".")
	build.Dir = module
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return &worker{command: []string{filepath.Join(module, "worker-go")}, once: "-once"}
}

// TestTypes checks the types of examples/worker-ts.
func TestTypes(t *testing.T) {
	supalitetest.Need(t)
	check := exec.CommandContext(t.Context(), "npm", "run", "check")
	check.Dir = installTypeScript(t).dir
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// installTypeScript puts examples/worker-ts beside its packages, which are
// installed once for this machine.
func installTypeScript(t *testing.T) *worker {
	t.Helper()
	const source = "../../examples/worker-ts"
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(dir, "node_modules")
	if err := os.RemoveAll(modules); err != nil {
		t.Fatal(err)
	}
	installed, err := supalite.InstallPackages(t.Context(), "worker-ts", "the packages of examples/worker-ts", os.DirFS(source), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(installed, "node_modules"), modules); err != nil {
		t.Fatal(err)
	}
	return &worker{command: []string{"node", "--import", "ts-blank-space/register", "worker.ts"}, once: "--once", dir: dir}
}

// wantAnswers checks that the connections of account 1 said thanks to the sender n times,
// each equally often, with its own Page token and the app's proof.
func (d deployment) wantAnswers(n int) {
	d.T.Helper()
	var tokens []string
	for _, row := range d.SQL("select page_token from public.get_instagram_token($1)", deploytest.InstagramID(1)) {
		tokens = append(tokens, row["page_token"].(string))
	}
	left := map[string]int{} // by token
	for _, token := range tokens {
		left[token] += n / len(tokens)
	}
	for _, reply := range d.Meta.Replies() {
		if reply.PageID != deploytest.Brand(1).ID || reply.Recipient != sender || reply.Text != "thanks" {
			d.T.Errorf("sent: %+v", reply)
		}
		left[reply.Token]--
	}
	for _, n := range left {
		if n != 0 {
			d.T.Errorf("%d answers too few with a Page token", n)
		}
	}
	for _, request := range d.Meta.Requests() {
		if token := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "); request.Step == "messages" &&
			(request.Form.Get("appsecret_proof") != deploytest.Proof(token) || !slices.Contains(tokens, token) || len(request.Query) > 0) {
			d.T.Errorf("not signed with a Page token and its proof: %v %v", request.Path, request.Query)
		}
	}
}
