package supalitetest

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/jackc/pgx/v5"
)

// ownDatabase makes a database for this process alone on the server of serverURL, because the tests of several packages
// run at once. It returns the database's URL and what drops it again; nothing for no URL.
func ownDatabase(ctx context.Context, serverURL string) (databaseURL string, drop func() error, err error) {
	if serverURL == "" {
		return "", nil, nil
	}
	name := fmt.Sprintf("supalite_test_%d", os.Getpid())
	parsed, err := url.Parse(serverURL)
	if err != nil {
		return "", nil, fmt.Errorf("reading SUPALITE_DATABASE_URL: not a URL")
	}
	parsed.Path = "/" + name
	if err := execOn(ctx, serverURL, "create database "+name); err != nil {
		return "", nil, fmt.Errorf("making a database for the tests: %w", err)
	}
	drop = func() error { return execOn(ctx, serverURL, "drop database "+name+" with (force)") }
	return parsed.String(), drop, nil
}

func execOn(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
