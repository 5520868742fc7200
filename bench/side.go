package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"igconnect/internal/supalite"
)

// side is one of the two that are compared.
type side struct {
	*setting
	measured
	name, url  string
	debugURL   string  // of igconnect only
	all, login program // one serves login and callback, one is started again and again
	visitors   []visitor
	process    *process // the newest
}

// newSide is a side without programs, and the environment that they are told, with Meta at metaURL.
func (s *setting) newSide(name, metaURL string) (*side, []string) {
	port := freePort()
	url := fmt.Sprint("http://127.0.0.1:", port)
	redirectURI := url + "/api/auth/callback"
	s.redirects = append(s.redirects, redirectURI)
	found := measured{callback: map[time.Duration][]time.Duration{}, loads: map[string]*load{onLite: {}, fromMemory: {}}, life: map[int]time.Duration{}}
	return &side{setting: s, measured: found, name: name, url: url}, []string{
		fmt.Sprint("PORT=", port), "FB_APP_ID=" + appID, "FB_APP_SECRET=" + appSecret, "REDIRECT_URI=" + redirectURI,
		"SUPABASE_URL=" + s.storeURL, "SUPABASE_SECRET_KEY=" + s.lite.ServiceKey, "FB_GRAPH_URL=" + metaURL, "FB_DIALOG_URL=" + metaURL,
	}
}

// oneFunction is a program that serves one function alone, as Vercel's builder writes it.
const oneFunction = `package main

import (
	"log"
	"net/http"
	"os"

	"igconnect/api"
)

func main() { log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(api.%s))) }
`

// buildOurs builds the functions static and stripped, as they are deployed.
func buildOurs(ctx context.Context, around *setting) (s *side, err error) {
	s, env := around.newSide("igconnect", around.metaURL)
	fmt.Fprintln(around.progress, "Building the functions")
	debugPort := freePort()
	s.debugURL = fmt.Sprint("http://127.0.0.1:", debugPort)
	env = append(env, "WEBHOOK_VERIFY_TOKEN="+verifyToken, "CRON_SECRET="+cronSecret, fmt.Sprint("DEBUG_PORT=", debugPort))
	built := map[string]program{}
	for _, name := range []string{"ours", "Login", "Callback"} {
		source, binary := "./bench/ours", filepath.Join(around.scratch, name)
		if name != "ours" {
			source = binary + ".go"
			if err := os.WriteFile(source, fmt.Appendf(nil, oneFunction, name), 0o644); err != nil {
				return nil, err
			}
		}
		command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, source)
		command.Dir, command.Env = around.root, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := command.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building %s: %w\n%s", source, err, out)
		}
		built[name] = program{command: []string{binary}, dir: around.scratch, env: env}
	}
	s.all, s.login = built["ours"], built["Login"]
	s.size, err = sizeOf(built["Callback"].command[0])
	return s, err
}

// buildSeed compiles bench/seed beside its packages.
func buildSeed(ctx context.Context, around *setting) (s *side, err error) {
	s, env := around.newSide("the seed's recipe", around.proofURL)
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("looking for Node: %w", err)
	}
	source, dir := os.DirFS(filepath.Join(around.root, "bench", "seed")), filepath.Join(around.scratch, "seed")
	if err := os.CopyFS(dir, source); err != nil {
		return nil, err
	}
	link := func(into, name string, options ...string) error {
		installed, err := supalite.InstallPackages(ctx, name, "the packages of bench/seed", source, around.progress, options...)
		if err != nil {
			return err
		}
		return os.Symlink(filepath.Join(installed, "node_modules"), filepath.Join(dir, into, "node_modules"))
	}

	// The compiler's packages stand beside the source, and only those that it needs in the program.
	if err := link("", "bench-seed-tools"); err != nil {
		return nil, err
	}
	tsc := exec.CommandContext(ctx, node, "node_modules/typescript/bin/tsc", "--outDir", "dist")
	tsc.Dir = dir
	if out, err := tsc.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling bench/seed: %w\n%s", err, out)
	}
	if err := link("dist", "bench-seed", "--omit=dev"); err != nil {
		return nil, err
	}
	s.all = program{command: []string{node, "dist/server.js"}, dir: dir, env: append(env, "NODE_ENV=production")}
	s.login = s.all
	s.size, err = sizeOf(filepath.Join(dir, "dist"), filepath.Join(dir, "dist", "node_modules"))
	return s, err
}

// sizeOf returns the bytes of files, and of all files below folders or links to them.
func sizeOf(paths ...string) (size int64, err error) {
	for _, path := range paths {
		err = errors.Join(err, fs.WalkDir(os.DirFS(filepath.Dir(path)), filepath.Base(path), func(_ string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				size += info.Size()
			}
			return err
		}))
	}
	return size, err
}

// launch starts one of the side's programs, which runs until it is stopped or the setting closed.
// Its first answer, to a login with these cookies, must have this status.
func (s *side) launch(ctx context.Context, p program, cookies string, status int) (err error) {
	if s.process, err = p.spawn(s.scratch); err != nil {
		return err
	}
	s.closers = append(s.closers, s.process.stop)
	return s.process.answers(ctx, s.url+"/api/login", cookies, status)
}

// debug asks the process about itself.
func (s *side) debug(path string) (string, error) {
	answer, err := get(context.Background(), "debug", s.debugURL+path, http.Header{}, http.StatusOK)
	return answer.body, err
}
