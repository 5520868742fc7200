// Package app wires the parts of a deployment together from its configuration,
// once, and does nothing else: what the parts do is theirs, and how requests reach
// them is lib/web's. Start at [New].
package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/connect"
	"igconnect/lib/graph"
	"igconnect/lib/graph/facebook"
	"igconnect/lib/health"
	"igconnect/lib/identity"
	"igconnect/lib/renew"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
	"igconnect/lib/webhook"
)

// App is everything that the functions of one deployment share. Where settings
// are missing or broken, the parts that need them are nil: lib/web lets no
// function run that would touch them.
type App struct {
	Config   *config.Config
	Problems config.Problems
	Log      *slog.Logger
	Now      func() time.Time

	Store    *store.Store      // nil unless the variables of [config.Supabase] are well
	Identity identity.Source   // nil unless the variables of [config.Connect] are well
	Tickets  *identity.Tickets // likewise, and where there is no VOUCH_URL
	Connect  *connect.Service  // nil unless the variables of [config.Connect] are well
	Renew    *renew.Service    // likewise
	Health   *health.Service
}

// Options are what an App is made from.
type Options struct {
	// Getenv reads the settings. It must be set: os.Getenv, or a map's look-up.
	Getenv func(string) string
	// Log takes one record a request. Nil: JSON lines, errors to standard error and the
	// others to standard output.
	Log *slog.Logger
	// Now is the clock. Nil: the machine's.
	Now func() time.Time
	// Provider is the way to log in. Nil: Facebook Login.
	Provider connect.Provider
}

// New wires an App. It makes no call. Settings that are missing or broken are no
// error: App.Problems has them.
func New(o Options) (*App, error) {
	cfg, problems := config.Load(o.Getenv)
	a := &App{Config: cfg, Problems: problems, Log: o.Log, Now: o.Now}
	if a.Log == nil {
		a.Log = NewLog(os.Stdout, os.Stderr)
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	a.Health = &health.Service{Config: cfg, Problems: problems, Version: Version, Now: a.Now}
	if cfg.LogoURL != "" {
		a.Health.Logo = func(ctx context.Context) error { return upstream.ExpectImage(ctx, cfg.LogoURL) }
	}
	var err error
	if problems.Among(config.Supabase) == nil {
		if a.Store, err = store.New(cfg.SupabaseURL, cfg.SupabaseKey); err != nil {
			return nil, err
		}
		a.Health.Store = a.Store
	}
	if problems.Among(config.Connect) != nil {
		return a, nil
	}
	a.identify()
	client := &graph.Client{
		HTTP: &http.Client{Transport: upstream.NewTransport(), CheckRedirect: upstream.NoRedirects},
		URL:  cfg.GraphURL, AppID: cfg.AppID, Secret: cfg.AppSecrets[0], Now: a.Now,
	}
	a.Health.Meta = client
	provider := cmp.Or[connect.Provider](o.Provider, &facebook.Login{
		Client: client, RedirectURI: cfg.RedirectURI, DialogURL: cfg.DialogURL, Scopes: cfg.Scopes,
		RequiredScopes: config.RequiredScopes, ConfigID: cfg.LoginConfigID, WebhookFields: cfg.WebhookFields,
	})
	box, err := sealed.NewBox(cfg.AppSecrets, cfg.RedirectURI+" "+cfg.SupabaseURL)
	if err != nil {
		return nil, err
	}
	a.Connect = connect.New(provider, a.Store, box, cfg.Secure(), a.Now)
	a.Connect.SupabaseUsers = cfg.SupabaseUsers
	a.Renew = &renew.Service{
		Provider: provider, Store: a.Store, RequiredScopes: config.RequiredScopes, Now: a.Now,
		AskMeta: func(ctx context.Context) error { _, err := client.AppSubscriptions(ctx); return err },
	}
	return a, nil
}

// identify chooses who says who the app's users are.
func (a *App) identify() {
	cfg := a.Config
	if cfg.VouchURL != "" {
		a.Tickets = &identity.Tickets{Secrets: cfg.VouchSecrets, Audience: cfg.Origin, Now: a.Now}
		a.Identity = a.Tickets
	}
	if cfg.JWTIssuer != "" {
		keys := identity.NewKeySet(cfg.JWKSURL, a.Now)
		a.Identity = identity.JWT{
			Issuer: cfg.JWTIssuer, Audience: cfg.JWTAudience, Cookie: cfg.JWTCookie, Origins: cfg.AllowedOrigins,
			Keys: keys, Now: a.Now,
		}
		a.Health.Keys = keys.Load
	}
	if cfg.SupabaseUsers {
		a.Identity = identity.Supabase{CookieName: cfg.AuthCookie, Verify: a.verifySession}
	}
}

func (a *App) verifySession(ctx context.Context, token secret.String) (string, error) {
	user, err := a.Store.User(ctx, token)
	if errors.Is(err, store.ErrSignedOut) {
		return "", identity.ErrSignedOut
	}
	return user, err
}

// StoreEvents writes the events of a delivery to the inbox and returns when they
// are committed; see [store.Store.StoreEvents]. An event without a sensible time is
// stored as of now.
func (a *App) StoreEvents(ctx context.Context, events []webhook.Event) (store.Filling, error) {
	rows := make([]store.Event, len(events))
	for i, e := range events {
		rows[i] = store.Event{
			Account: e.Account, Key: e.Key, KeyToSecond: e.KeyToSecond, Counterpart: e.Counterpart, Recipient: e.Recipient,
			Kind: e.Kind, Payload: e.Payload, Occurred: cmp.Or(e.Occurred, a.Now().UTC()),
		}
	}
	return a.Store.StoreEvents(ctx, rows)
}
