// Command worker-go answers each Instagram message with "thanks". Change what
// it does in worker/worker.go.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"igconnect/examples/worker-go/worker"
)

func main() {
	once := flag.Bool("once", false, "stop when the inbox is empty")
	flag.Parse()
	log.SetFlags(0)
	w, err := worker.New(os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	stopping, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := w.Run(stopping, *once); err != nil {
		log.Fatal(err)
	}
}
