package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestWorkers lets the workers of examples/ answer a message each, with nothing in their
// environment but the printed block.
func TestWorkers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the whole system is left out under -short")
	}
	s := startSystem(t)
	walk := newWalk(s, time.Now())
	if err := walk.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	block, err := parseEnv(s.env.forApp(s.at))
	if err != nil {
		t.Fatal(err)
	}
	for i, command := range []*exec.Cmd{
		exec.CommandContext(t.Context(), "go", "run", "igconnect/examples/worker-go", "-once"),
		typeScriptWorker(t),
	} {
		form := messageForm{Account: walk.instagramID, Person: senders[i].ID, Kind: "message", Text: "Hello"}
		if _, err := s.sendMessages(t.Context(), form); err != nil {
			t.Fatal(err)
		}
		command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GOCACHE=" + os.Getenv("GOCACHE")}
		for name, value := range block {
			command.Env = append(command.Env, name+"="+value)
		}
		if said, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command.Path, err, said)
		}
		replies := s.meta.Replies()
		if len(replies) != i+1 || replies[i].Recipient != senders[i].ID || replies[i].Text != "thanks" {
			t.Errorf("after %s: %+v", command.Path, replies)
		}
	}
}

// typeScriptWorker is the command of examples/worker-ts, once, with its packages beside it.
func typeScriptWorker(t *testing.T) *exec.Cmd {
	worker := exec.CommandContext(t.Context(), "node", "--import", "ts-blank-space/register", "worker.ts", "--once")
	worker.Dir = exampleOf(t, "worker-ts")
	return worker
}
