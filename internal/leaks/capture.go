package leaks

import (
	"bytes"
	"io"
	"os"
	"sync"
)

// Capture begins to copy what is written to *output, os.Stdout or os.Stderr,
// which still shows everything. stop puts it back and returns the copy.
func Capture(output **os.File) (stop func() []byte, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	shown := *output
	var copied bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(io.MultiWriter(shown, &copied), r)
	}()
	*output = w
	return sync.OnceValue(func() []byte {
		*output = shown
		w.Close()
		<-done
		return copied.Bytes()
	}), nil
}
