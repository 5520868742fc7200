package graph

import (
	"errors"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// maskedError is an error of net/http: it quotes status lines and headers, and
// these may quote what was sent. It answers errors.Is and errors.As, but is
// not unwrapped: nobody prints the original.
type maskedError struct {
	text  string
	cause error
}

func masked(err error, call call) error {
	cause := upstream.WithoutURL(err)
	return &maskedError{text: secret.Mask(cause.Error(), secretsOf(call)...), cause: cause}
}

func (e *maskedError) Error() string        { return e.text }
func (e *maskedError) Is(target error) bool { return errors.Is(e.cause, target) }
func (e *maskedError) As(target any) bool   { return errors.As(e.cause, target) }
