package web

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"igconnect/lib/app"
)

type appKey struct{}

// WithApp returns a context whose requests are served by the given App. Without
// one a function builds its own from the environment, once.
func WithApp(ctx context.Context, a *app.App) context.Context {
	return context.WithValue(ctx, appKey{}, a)
}

// appFor returns the App of the context, else that of the environment.
func appFor(ctx context.Context) (*app.App, error) {
	if a, ok := ctx.Value(appKey{}).(*app.App); ok {
		return a, nil
	}
	return fromEnvironment()
}

// fromEnvironment builds the process's App from the environment. This is the one
// place of lib/ that reads it.
var fromEnvironment = sync.OnceValues(func() (*app.App, error) {
	a, err := app.New(app.Options{Getenv: os.Getenv})
	if err != nil {
		return nil, err
	}
	// Garbage may grow to twice what is in use: in a function that is some
	// megabytes of the gigabytes it has, and saves a tenth of its time under load.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	a.Log.Info("start", "version", app.Version, "go", runtime.Version())
	return a, nil
})
