package faults_test

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"igconnect/internal/functions"
	"igconnect/internal/vercelsim"
)

// rootVariable holds, in a function process, the certificate that it trusts.
const rootVariable = "FAULTS_ROOT"

// TestMain runs the tests, or is a function process: the functions read their
// environment and write their log as they do when they are deployed, so each
// world has a process of its own.
func TestMain(m *testing.M) {
	if root := os.Getenv(rootVariable); root != "" {
		serveFunctions(root)
	}
	os.Exit(m.Run())
}

// serveFunctions says its address on one line and serves until standard input
// ends, which happens also when the parent dies.
func serveFunctions(root string) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(root))
	x509.SetFallbackRoots(pool)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	own := "http://" + listener.Addr().String()
	os.Setenv("REDIRECT_URI", own+"/api/auth/callback")
	deployment, err := vercelsim.Open("../..", functions.All)
	if err != nil {
		panic(err)
	}
	go func() { panic(http.Serve(listener, deployment)) }()
	fmt.Println(own)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// process is a running function process.
type process struct {
	url    string
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *bufio.Reader

	mu  sync.Mutex
	log bytes.Buffer // standard error
}

// launch starts one with the given environment and nothing else of ours.
func launch(environment map[string]string, root []byte) (*process, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(binary)}
	p.cmd.Env = []string{rootVariable + "=" + string(root), "GODEBUG=x509usefallbackroots=1", "GOMAXPROCS=2", "TMPDIR=" + os.TempDir()}
	for name, value := range environment {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Stderr = p
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.stdin, p.stdout = stdin, bufio.NewReader(stdout)
	line, err := p.stdout.ReadString('\n')
	if p.url = strings.TrimSpace(line); err != nil {
		p.end()
		return nil, fmt.Errorf("starting a function process: %w\n%s", err, p.logged())
	}
	return p, nil
}

// Write takes standard error.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// end ends the process and returns all that it wrote, to standard output too.
func (p *process) end() string {
	p.stdin.Close()
	said, _ := io.ReadAll(p.stdout)
	_ = p.cmd.Wait()
	return p.logged() + string(said)
}
