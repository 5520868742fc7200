// Package app wires the parts together and serves the functions: configuration
// once, one deadline, one funnel for errors, one log record a request.
package app

import (
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/graph"
	"igconnect/lib/page"
	"igconnect/lib/sealed"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

// App is everything that the functions share. Where configuration is missing
// or broken, the parts built from it are empty: Serve lets no function run
// that would touch them.
type App struct {
	Config *config.Config
	Graph  *graph.Client
	Store  *store.Store
	States sealed.Cookies[State]
	Grants sealed.Cookies[sealedGrant]

	now      func() time.Time
	log      *slog.Logger
	policy   page.Policy
	problems config.Problems
}

// New wires an App from the environment that getenv shows. It makes no call.
func New(getenv func(string) string) (*App, error) {
	cfg, problems := config.Load(getenv)
	a := &App{
		Config: cfg, problems: problems, now: time.Now,
		log:    slog.New(slog.NewJSONHandler(os.Stderr, nil)),
		policy: page.Policy{Images: []string{cfg.SimulatorOrigin()}, Forms: append([]string{cfg.DialogOrigin()}, cfg.AllowedOrigins...)},
	}
	var err error
	if problems.Among(config.Supabase) == nil {
		if a.Store, err = store.New(cfg.SupabaseURL, cfg.SupabaseKey); err != nil {
			return nil, err
		}
	}
	if problems.Among(config.Connect) != nil {
		return a, nil
	}
	a.Graph = &graph.Client{
		HTTP: &http.Client{Transport: upstream.NewTransport(), CheckRedirect: upstream.NoRedirects},
		URL:  cfg.GraphURL, AppID: cfg.AppID, Secret: cfg.AppSecrets[0], Now: a.now,
	}
	box, err := sealed.NewBox(cfg.AppSecrets, cfg.RedirectURI+" "+cfg.SupabaseURL)
	if err != nil {
		return nil, err
	}
	a.States = sealed.Cookies[State]{Box: box, Kind: "state", Secure: cfg.Secure(), Now: a.now}
	a.Grants = sealed.Cookies[sealedGrant]{Box: box, Kind: "grant", Secure: cfg.Secure(), Now: a.now}
	return a, nil
}

// unwired is an App that can report why there is no better one.
func unwired() *App { return &App{Config: &config.Config{}, log: slog.Default()} }

// cached is the App of the environment as it stood at the last request. An
// environment does not change under a deployed function; under the dev server
// and in tests it may.
var cached struct {
	sync.Mutex
	environment []string
	app         *App
}

func fromEnvironment() (*App, error) {
	environment := make([]string, len(config.Variables))
	for i, variable := range config.Variables {
		environment[i] = os.Getenv(variable)
	}
	cached.Lock()
	defer cached.Unlock()
	if cached.app != nil && slices.Equal(cached.environment, environment) {
		return cached.app, nil
	}
	a, err := New(os.Getenv)
	if err != nil {
		return nil, err
	}
	cached.app, cached.environment = a, environment
	collectSeldom()
	a.log.Info("start", "version", Version, "go", runtime.Version())
	return a, nil
}

// collectSeldom lets garbage grow to twice what is in use: in a function that is
// some megabytes of the gigabytes it has, and saves a tenth of its time under
// load. Who sets GOGC has decided otherwise.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}
