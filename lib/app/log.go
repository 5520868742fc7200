package app

import (
	"context"
	"io"
	"log/slog"
)

// NewLog makes a log of JSON lines: errors go to failures, all else to usual. The
// platform shows each line of standard error as an error, whatever its level.
func NewLog(usual, failures io.Writer) *slog.Logger {
	return slog.New(byLevel{slog.NewJSONHandler(usual, nil), slog.NewJSONHandler(failures, nil)})
}

// byLevel hands each record to one of two handlers.
type byLevel struct{ usual, failures slog.Handler }

func (b byLevel) of(level slog.Level) slog.Handler {
	if level >= slog.LevelError {
		return b.failures
	}
	return b.usual
}

// Enabled implements [slog.Handler].
func (b byLevel) Enabled(ctx context.Context, level slog.Level) bool {
	return b.of(level).Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (b byLevel) Handle(ctx context.Context, record slog.Record) error {
	return b.of(record.Level).Handle(ctx, record)
}

// WithAttrs implements [slog.Handler].
func (b byLevel) WithAttrs(attributes []slog.Attr) slog.Handler {
	return byLevel{b.usual.WithAttrs(attributes), b.failures.WithAttrs(attributes)}
}

// WithGroup implements [slog.Handler].
func (b byLevel) WithGroup(name string) slog.Handler {
	return byLevel{b.usual.WithGroup(name), b.failures.WithGroup(name)}
}
