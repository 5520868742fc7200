package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// buildOurs builds the functions static and stripped, as they are deployed.
func buildOurs(ctx context.Context, w *world) (*side, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	debugPort, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &side{name: "igconnect", url: fmt.Sprint("http://127.0.0.1:", port), debugURL: fmt.Sprint("http://127.0.0.1:", debugPort)}
	env := []string{
		"FB_APP_ID=" + appID, "FB_APP_SECRET=" + appSecret, "REDIRECT_URI=" + s.redirectURI(),
		"SUPABASE_URL=" + w.storeURL, "SUPABASE_SECRET_KEY=" + w.lite.ServiceKey,
		"FB_GRAPH_URL=" + w.metaURL, "FB_DIALOG_URL=" + w.metaURL,
		"WEBHOOK_VERIFY_TOKEN=" + verifyToken, "CRON_SECRET=" + cronSecret,
	}
	fmt.Fprintln(w.progress, "Building the functions")
	binary := map[string]string{}
	for _, name := range []string{"ours", "ours/login", "ours/callback"} {
		if binary[name], err = build(ctx, w, name); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(binary["ours/callback"])
	if err != nil {
		return nil, err
	}
	s.size = info.Size()
	s.all = program{command: []string{binary["ours"]}, dir: w.scratch, env: append(env, fmt.Sprint("DEBUG_PORT=", debugPort)), port: port}
	s.login = program{command: []string{binary["ours/login"]}, dir: w.scratch, env: env, port: port}
	return s, nil
}

const (
	verifyToken = "a-verify-token-of-the-benchmark"
	cronSecret  = "a-cron-secret-of-the-benchmark"
)

func build(ctx context.Context, w *world, name string) (string, error) {
	binary := filepath.Join(w.scratch, filepath.Base(name))
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./bench/"+name)
	command.Dir = w.root
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return binary, nil
}
