package inboxtest_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
)

// worker is one of examples/, ready to run.
type worker struct {
	command []string
	once    string // the option that ends it when the inbox is empty
	dir     string
}

// start runs the worker with nothing in its environment but what it needs. What
// it prints is in said when it has ended.
func (k *worker) start(t *testing.T, w *world, args ...string) (cmd *exec.Cmd, said *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd, said = exec.CommandContext(ctx, k.command[0], append(k.command[1:len(k.command):len(k.command)], args...)...), &bytes.Buffer{}
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir, cmd.Stdout, cmd.Stderr = k.dir, said, said
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"SUPABASE_URL=" + w.lite.URL, "SUPABASE_SECRET_KEY=" + w.lite.ServiceKey,
		"FB_APP_SECRET=" + appSecret + ", an-older-one", "FB_GRAPH_URL=" + w.metaURL,
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, said
}

// drain runs the worker until the inbox is empty and returns what it printed.
func (k *worker) drain(t *testing.T, w *world) string {
	t.Helper()
	cmd, said := k.start(t, w, k.once)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	w.watch.See("workers", said.Bytes())
	return said.String()
}

// buildGo builds examples/worker-go.
func buildGo(t *testing.T) *worker {
	t.Helper()
	program := filepath.Join(t.TempDir(), "worker-go")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./worker-go")
	build.Dir = "../../examples"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return &worker{command: []string{program}, once: "-once"}
}

// pageTokens are the Page tokens of an account's connections.
func (w *world) pageTokens(t *testing.T, instagramID string) []string {
	t.Helper()
	tokens := []string{}
	for _, row := range w.sql(t, "select page_token from public.get_instagram_token($1)", instagramID) {
		tokens = append(tokens, row["page_token"].(string))
	}
	return tokens
}

// wantAnswers checks that the connections of account 1 said thanks to person n
// times, each equally often, with its own Page token and the app's proof.
func (w *world) wantAnswers(t *testing.T, n int, person string) {
	t.Helper()
	tokens := w.pageTokens(t, account(1))
	left := map[string]int{} // by token
	for _, token := range tokens {
		left[token] += n / len(tokens)
	}
	for _, reply := range w.meta.Replies() {
		if reply.PageID != brand(1).ID || reply.Recipient != person || reply.Text != "thanks" {
			t.Errorf("sent: %+v", reply)
		}
		left[reply.Token]--
	}
	for _, n := range left {
		if n != 0 {
			t.Errorf("%d answers too few with a Page token", n)
		}
	}
	for _, request := range w.meta.Requests() {
		if token := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "); request.Step == "messages" &&
			(request.Form.Get("appsecret_proof") != proof(token) || !slices.Contains(tokens, token) || len(request.Query) > 0) {
			t.Errorf("not signed with a Page token and its proof: %v %v", request.Path, request.Query)
		}
	}
}

// proof is Meta's appsecret_proof.
func proof(token string) string {
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// deliver delivers events to account 1, acknowledged.
func (w *world) deliver(t *testing.T, events ...metasim.Event) {
	t.Helper()
	status, err := w.meta.Deliver(t.Context(), w.webhook(), w.meta.Delivery(account(1), events...))
	if err != nil || status != 200 {
		t.Fatalf("%d, %v", status, err)
	}
}
