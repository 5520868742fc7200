package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"igconnect/internal/supalite/postgres"
)

// compare measures both sides and prints the table. It tells whether every target was reached.
func compare(ctx context.Context, root string, p plan, out, progress io.Writer) (reached bool, err error) {
	databaseURL, stop, err := database(ctx)
	if err != nil {
		return false, err
	}
	defer stop()
	w, err := newWorld(ctx, root, databaseURL, progress)
	if err != nil {
		return false, err
	}
	defer w.close()
	sides, err := startSides(ctx, w, p)
	if err != nil {
		return false, err
	}
	found, err := measure(ctx, w, p, sides)
	if err != nil {
		return false, err
	}
	login, err := measureLogin(ctx, root, progress)
	if err != nil {
		return false, err
	}
	fmt.Fprintln(progress, "Done")
	reached = report(out, p, sides, found, databaseURL != "")
	return login.report(out) && reached, nil
}

// database starts a PostgreSQL, which serves several at once as Supabase's does, and returns its URL. Where there is none
// the URL is "": Supabase Lite then takes its own, which serves one after the other.
func database(ctx context.Context) (url string, stop func(), err error) {
	server, err := postgres.Start(ctx)
	if errors.Is(err, postgres.ErrMissing) {
		return "", func() {}, nil
	}
	if err != nil {
		return "", nil, err
	}
	return server.URL, server.Stop, nil
}

// startSides builds both sides and starts them, each with visitors of its own.
func startSides(ctx context.Context, w *world, p plan) ([2]*side, error) {
	var sides [2]*side
	for i, build := range []func(context.Context, *world) (*side, error){buildOurs, buildSeed} {
		s, err := build(ctx, w)
		if err != nil {
			return sides, err
		}
		sides[i] = s
		w.redirects = append(w.redirects, s.redirectURI())
		if s.visitors, err = w.visitors(ctx, i*p.atOnce, p.atOnce); err != nil {
			return sides, err
		}
		if err := s.launch(ctx, w); err != nil {
			return sides, err
		}
	}
	return sides, nil
}
