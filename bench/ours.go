package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	verifyToken = "a-verify-token-of-the-benchmark"
	cronSecret  = "a-cron-secret-of-the-benchmark"
)

// buildOurs builds the functions static and stripped, as they are deployed.
func buildOurs(ctx context.Context, around *setting) (*side, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	debugPort, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &side{name: "igconnect", url: fmt.Sprint("http://127.0.0.1:", port), debugURL: fmt.Sprint("http://127.0.0.1:", debugPort)}
	env := append(around.environment(s, around.metaURL), "WEBHOOK_VERIFY_TOKEN="+verifyToken, "CRON_SECRET="+cronSecret)
	fmt.Fprintln(around.progress, "Building the functions")
	binary := map[string]string{}
	for _, name := range []string{"ours", "ours/login", "ours/callback"} {
		binary[name] = filepath.Join(around.scratch, filepath.Base(name))
		command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary[name], "./bench/"+name)
		command.Dir = around.root
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := command.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	if err := addSizes(binary["ours/callback"], &s.size); err != nil {
		return nil, err
	}
	s.all = program{command: []string{binary["ours"]}, dir: around.scratch, env: append(env, fmt.Sprint("DEBUG_PORT=", debugPort)), port: port}
	s.login = program{command: []string{binary["ours/login"]}, dir: around.scratch, env: env, port: port}
	return s, nil
}

// environment is what both sides are told, with Meta at the given address.
func (s *setting) environment(of *side, metaURL string) []string {
	return []string{
		"FB_APP_ID=" + appID, "FB_APP_SECRET=" + appSecret, "REDIRECT_URI=" + of.redirectURI(),
		"SUPABASE_URL=" + s.storeURL, "SUPABASE_SECRET_KEY=" + s.lite.ServiceKey, "FB_GRAPH_URL=" + metaURL, "FB_DIALOG_URL=" + metaURL,
	}
}
