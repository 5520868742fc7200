package web

import (
	"errors"
	"strconv"
	"time"

	"igconnect/lib/connect"
	"igconnect/lib/graph"
	"igconnect/lib/identity"
	"igconnect/lib/note"
	"igconnect/lib/page"
	"igconnect/lib/store"
	"igconnect/lib/webhook"
)

// Failure is an error with its code: what the person is told, and the cause,
// which only the log sees.
type Failure struct {
	Code  Code
	Cause error // may be nil
}

func fail(code Code, cause error) *Failure { return &Failure{Code: code, Cause: cause} }

func (f *Failure) Error() string {
	if f.Cause == nil {
		return string(f.Code)
	}
	return f.Cause.Error()
}

func (f *Failure) Unwrap() error { return f.Cause }

// sentinels says what the errors of the flows mean.
var sentinels = []struct {
	err  error
	code Code
}{
	{identity.ErrSignedOut, SignedOut},
	{identity.ErrTicket, TicketRejected},
	{identity.ErrUnavailable, AuthUnavailable},
	{identity.ErrNoKey, Misconfigured},
	{connect.ErrUserDeleted, SignedOut},
	{connect.ErrState, StateMismatch},
	{connect.ErrExpired, StateExpired},
	{connect.ErrUserChanged, UserChanged},
	{connect.ErrDenied, AccessDenied},
	{connect.ErrDialog, MetaUnavailable},
	{connect.ErrNoCode, BadRequest},
	{connect.ErrNotConnected, NotFound},
	{store.ErrNoErasure, NotFound},
	{webhook.ErrNotJSON, BadRequest},
	{webhook.ErrBadSignedRequest, BadSignature},
}

// metaCodes says what a failed call to Meta means at every step.
var metaCodes = map[graph.Class]Code{
	graph.Rejected:     MetaUnavailable,
	graph.Unavailable:  MetaUnavailable,
	graph.Throttled:    Throttled,
	graph.TokenDead:    TokenRejected,
	graph.NoPermission: MissingPermission,
	graph.BadApp:       Misconfigured,
	graph.CodeRejected: CodeRejected,
}

// asFailure gives any error its code; nil stays nil.
func asFailure(err error) *Failure {
	ofStore, inStore := errors.AsType[*store.Error](err)
	switch failure, ok := errors.AsType[*Failure](err); {
	case err == nil || ok:
		return failure
	case inStore && ofStore.Fault() != nil: // first: another try would not save anything either
		return fail(Misconfigured, err)
	case is[*connect.NotSavedError](err):
		return fail(StoreUnavailable, err)
	case is[*connect.MissingPermissionError](err):
		return fail(MissingPermission, err)
	case is[*connect.NoAccountError](err):
		return fail(NoInstagramAccount, err)
	}
	if ofMeta, ok := errors.AsType[*graph.Error](err); ok {
		return fail(metaCodes[ofMeta.Class], err)
	}
	if inStore {
		return fail(StoreUnavailable, err)
	}
	for _, known := range sentinels {
		if errors.Is(err, known.err) {
			return fail(known.code, err)
		}
	}
	return fail(Internal, err)
}

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// failed is the response to an error: JSON to programs, to people a page, or in
// words where that can't be drawn.
func failed(r *Request, f *Failure, asJSON bool) (response Response) {
	entry := errorTable[f.Code]
	if asJSON {
		response = JSON(entry.status, map[string]any{"error": map[string]string{
			"code": string(f.Code), "request_id": r.ID,
			"message": f.Code.text(page.English, "what") + " " + f.Code.text(page.English, "next"),
		}})
	} else if document, err := drawn(r, Page(entry.status, failurePage(r, f))); err != nil {
		note.Add(r.Context(), "page", err.Error())
		response = Text(entry.status, f.Code.text(language(r), "title"))
	} else {
		response = document
	}
	if f.Code == Throttled {
		response = response.with("Retry-After", strconv.Itoa(int(f.retryAfter().Seconds())))
	}
	return response.with("X-Error-Code", string(f.Code))
}

// failurePage is what a person is shown: why an account is missing, or the
// table's texts with a way on.
func failurePage(r *Request, f *Failure) page.Page {
	if missing, ok := errors.AsType[*connect.MissingPermissionError](f.Cause); ok {
		return missingPermissionPage(r, missing)
	}
	if none, ok := errors.AsType[*connect.NoAccountError](f.Cause); ok {
		return noAccountPage(r, none)
	}
	shown := page.Error{Code: string(f.Code), RequestID: r.ID, Actions: []page.Action{toApp(r)}}
	label := errorTable[f.Code].again
	notSaved, ok := errors.AsType[*connect.NotSavedError](f.Cause)
	switch {
	case ok:
		shown.Note = page.Kept
		try := page.Action{Label: page.TryAgain, Post: "/api/choose", Fields: flowField(notSaved.Flow), Primary: true}
		shown.Actions = []page.Action{try, toApp(r)}
	case label != "":
		shown.Actions = []page.Action{again(r, label), toApp(r)}
	case f.Code != NotFound: // whoever looks for something else begins no login
		shown.Actions = append(shown.Actions, again(r, page.StartAgain).Quiet())
	}
	return shown
}

// retryAfter is how long a throttled caller should wait: as Meta says, else
// five minutes.
func (f *Failure) retryAfter() time.Duration {
	if ofMeta, ok := errors.AsType[*graph.Error](f.Cause); ok && ofMeta.RetryAfter > 0 {
		return ofMeta.RetryAfter
	}
	return 5 * time.Minute
}
