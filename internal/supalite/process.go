package supalite

import (
	"bufio"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// process is the Node process that runs server.mjs.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer // closing it asks the process to end, as the death of this one does
	done  chan struct{}
	mu    sync.Mutex
	said  []byte // the last few kilobytes of what it printed
}

// answer is a line that server.mjs says: steps, and in the end a port or an error.
type answer struct {
	Step  string `json:"step"` // that begins
	Port  int    `json:"port"`
	Error string `json:"error"`
}

// launch starts server.mjs with a config and waits until it listens. The steps that it says are followed.
func launch(
	ctx context.Context, node, app string, progress io.Writer, steps map[string]step, config map[string]any,
) (*process, int, error) {
	line, err := json.Marshal(config)
	if err != nil {
		return nil, 0, err
	}
	// Not CommandContext: when ctx ends, the database gets the time to close.
	cmd := exec.Command(node, filepath.Join(app, "server.mjs"))
	cmd.Env = environment()
	ownGroup(cmd)
	stdin, inErr := cmd.StdinPipe()
	stdout, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		return nil, 0, err
	}
	p := &process{cmd: cmd, stdin: stdin, done: make(chan struct{})}
	cmd.Stderr = p
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	answers := make(chan answer, 4) // more than it says: nobody may be there to listen
	go p.watch(stdout, answers)
	loading := step{doing: "loading Supabase Lite", done: "Loaded Supabase Lite"}
	end, port := loading.follow(progress), 0
	_, err = stdin.Write(append(line, '\n'))
	for err == nil && port == 0 {
		select {
		case a := <-answers:
			if a.Step != "" {
				end(nil)
				end = steps[a.Step].follow(progress)
			} else if port = a.Port; port == 0 {
				err = errors.New(cmp.Or(a.Error, "it ended by itself"))
			}
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if end(err); err != nil {
		p.stop()
		return nil, 0, p.explain(err)
	}
	return p, port, nil
}

// watch passes the answers on, keeps the last of everything else that is printed, and ends with the process.
func (p *process) watch(stdout io.Reader, answers chan<- answer) {
	defer close(p.done)
	lines := bufio.NewReader(stdout)
	for answered, ended := false, false; !ended; {
		line, err := lines.ReadBytes('\n')
		var a answer
		if !answered && json.Unmarshal(line, &a) == nil && a != (answer{}) {
			answers <- a
			answered = a.Step == ""
		} else {
			p.Write(line)
		}
		ended = err != nil
	}
	p.cmd.Wait()
	close(answers)
}

// stop asks the process to end and waits for it. If it takes more than a second, or left something
// behind in its group, the group is killed: PostgreSQL recovers from that at the next start.
func (p *process) stop() {
	p.stdin.Close()
	select {
	case <-p.done:
	case <-time.After(time.Second):
	}
	killGroup(p.cmd)
	<-p.done
}

// Write keeps the end of what is printed.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, b...)
	p.said = p.said[max(0, len(p.said)-8<<10):]
	return len(b), nil
}

// explain adds to err what Lite said last.
func (p *process) explain(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if said := lastLines(p.said); said != "" {
		return fmt.Errorf("%w\nIts last lines:\n%s", err, said)
	}
	return err
}

// environment is what Lite gets to see: enough to run, and nothing of the developer's own settings and secrets.
func environment() []string {
	env := []string{"DO_NOT_TRACK=1", "NODE_NO_WARNINGS=1"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TEMP", "SystemRoot", "USERPROFILE", "LANG"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// lastLines returns the last eight lines of a text.
func lastLines(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}

type migration struct {
	Version string `json:"version"`
	Name    string `json:"name"`
	SQL     string `json:"sql"`
}

// Keys are the secrets of one project. They stay the same from start to start, so that sessions and
// tokens of yesterday are still good.
type Keys struct {
	PublishableKey string `json:"publishableKey"`
	SecretKey      string `json:"secretKey"`
	JWTSecret      string `json:"jwtSecret"`
	VaultKey       string `json:"vaultKey"` // AES-256, in hex
	AdminKey       string `json:"adminKey"` // for Server.SQL
}

var (
	//go:embed sql/bootstrap.sql
	bootstrapSQL string
	//go:embed sql/vault.sql
	vaultSQL string
)

// readMigrations reads the *.sql files of dir in the order of their names, as `supabase db push --remote` does.
func readMigrations(dir fs.FS) ([]migration, error) {
	migrations := []migration{}
	if dir == nil {
		return migrations, nil
	}
	names, err := fs.Glob(dir, "*.sql")
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		version, title, _ := strings.Cut(strings.TrimSuffix(name, ".sql"), "_")
		migrations = append(migrations, migration{version, title, string(text)})
	}
	return migrations, err
}

// LoadKeys derives the keys from a random seed that is kept beside the data, or from the URL of the
// database: what protects that protects these. A seed that is missing is made, also where a server runs.
func LoadKeys(dir, databaseURL string) (k Keys, err error) {
	seed := []byte(databaseURL)
	if databaseURL == "" {
		if seed, err = loadSeed(filepath.Join(dir, "seed")); err != nil {
			return k, err
		}
	}
	derive := func(label string) []byte {
		mac := hmac.New(sha256.New, seed)
		mac.Write([]byte("supalite " + label))
		return mac.Sum(nil)
	}
	// short has the form of the platform's keys: 22 characters of base64url.
	short := func(label string) string { return base64.RawURLEncoding.EncodeToString(derive(label))[:22] }
	return Keys{
		PublishableKey: "sb_publishable_" + short("publishable"),
		SecretKey:      "sb_secret_" + short("secret"),
		JWTSecret:      hex.EncodeToString(derive("jwt")),
		VaultKey:       hex.EncodeToString(derive("vault")),
		AdminKey:       hex.EncodeToString(derive("admin")),
	}, nil
}

// loadSeed reads the seed. A new one appears whole or not at all, and the first of several at once stays.
func loadSeed(name string) ([]byte, error) {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		if err := makeSeed(name); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	seed, err := os.ReadFile(name)
	if err == nil && len(seed) != seedSize {
		err = fmt.Errorf("%s is damaged: remove its folder, whose data nobody can read without it", name)
	}
	return seed, err
}

const seedSize = 32 // bytes

func makeSeed(name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), "seed-") // for its owner alone
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	seed := make([]byte, seedSize)
	rand.Read(seed) // never fails
	_, err = temp.Write(seed)
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Link(temp.Name(), name)
}
