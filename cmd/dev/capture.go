package main

import (
	"bytes"
	"io"
	"os"
	"sync"
)

// logCapture keeps a copy of what is written to os.Stderr.
type logCapture struct {
	stop func() []byte // puts os.Stderr back and returns the copy
}

// captureLogs begins to copy os.Stderr, which still shows everything.
func captureLogs() (*logCapture, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stderr := os.Stderr
	var copied bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(io.MultiWriter(stderr, &copied), r)
	}()
	os.Stderr = w
	return &logCapture{stop: sync.OnceValue(func() []byte {
		os.Stderr = stderr
		w.Close()
		<-done
		return copied.Bytes()
	})}, nil
}
