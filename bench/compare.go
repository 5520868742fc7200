package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"igconnect/internal/supalite/postgres"
)

// compare measures both sides and prints the table. It reports whether every target was reached.
func compare(ctx context.Context, p plan, out, progress io.Writer) (reached bool, err error) {
	database, err := postgres.Start(ctx)
	onPostgres := err == nil // it serves several at once, as Supabase's does; Lite's own one after the other
	databaseURL := ""
	if onPostgres {
		defer database.Stop()
		databaseURL = database.URL
	} else if !errors.Is(err, postgres.ErrMissing) {
		return false, err
	}
	s, err := newSetting(ctx, databaseURL, progress)
	if err != nil {
		return false, err
	}
	defer s.close()
	r := &run{setting: s, plan: p}
	for i, build := range []func(context.Context, *setting) (*side, error){buildOurs, buildSeed} {
		if r.sides[i], err = build(ctx, s); err != nil {
			return false, err
		}
		side := r.sides[i]
		s.redirects = append(s.redirects, side.redirectURI())
		if side.visitors, err = s.visitors(ctx, i*p.atOnce, p.atOnce); err != nil {
			return false, err
		}
		if err := side.launch(ctx, s); err != nil {
			return false, err
		}
	}
	if err := r.measure(ctx); err != nil {
		return false, err
	}
	login, err := measureLogin(ctx, s.root, progress)
	if err != nil {
		return false, err
	}
	fmt.Fprintln(progress, "Done")
	reached = r.report(out, onPostgres)
	return login.report(out) && reached, nil
}
