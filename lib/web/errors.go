package web

import (
	"log/slog"
	"net/http"

	"igconnect/lib/page"
)

// Code names what went wrong, for programs: the header X-Error-Code.
type Code string

// Every way in which a request can fail.
const (
	SignedOut          Code = "signed_out"
	BadRequest         Code = "bad_request"
	ForbiddenOrigin    Code = "forbidden_origin"
	StateMismatch      Code = "state_mismatch"
	StateExpired       Code = "state_expired"
	AccessDenied       Code = "access_denied"
	CodeRejected       Code = "code_rejected"
	TokenRejected      Code = "token_rejected"
	MissingPermission  Code = "missing_permission"
	UserChanged        Code = "user_changed"
	TicketRejected     Code = "ticket_rejected"
	AuthUnavailable    Code = "auth_unavailable"
	NoInstagramAccount Code = "no_instagram_account"
	Throttled          Code = "throttled"
	MetaUnavailable    Code = "meta_unavailable"
	StoreUnavailable   Code = "store_unavailable"
	Misconfigured      Code = "misconfigured"
	Unauthorized       Code = "unauthorized"
	NotFound           Code = "not_found"
	BadSignature       Code = "bad_signature"
	Forbidden          Code = "forbidden"
	MethodNotAllowed   Code = "method_not_allowed"
	TooLarge           Code = "too_large"
	Internal           Code = "internal"
)

// errorTable is THE table of errors: what each code means to browsers, to the log and to
// the person, whose texts are those of lib/page/messages under error.<code>.
var errorTable = map[Code]struct {
	status int
	again  page.Key // label of a link to a new login; none if empty
	level  slog.Level
}{
	SignedOut:          {http.StatusUnauthorized, "", slog.LevelInfo},
	BadRequest:         {http.StatusBadRequest, "", slog.LevelInfo},
	ForbiddenOrigin:    {http.StatusForbidden, "", slog.LevelWarn},
	StateMismatch:      {http.StatusBadRequest, page.StartAgain, slog.LevelInfo},
	StateExpired:       {http.StatusBadRequest, page.StartAgain, slog.LevelInfo},
	AccessDenied:       {http.StatusForbidden, page.StartAgain, slog.LevelInfo},
	CodeRejected:       {http.StatusBadRequest, page.StartAgain, slog.LevelWarn},
	TokenRejected:      {http.StatusBadGateway, page.StartAgain, slog.LevelWarn},
	MissingPermission:  {http.StatusUnprocessableEntity, page.AskAgain, slog.LevelInfo},
	UserChanged:        {http.StatusConflict, page.StartAgain, slog.LevelWarn},
	TicketRejected:     {http.StatusUnauthorized, page.StartAgain, slog.LevelWarn},
	AuthUnavailable:    {http.StatusServiceUnavailable, page.StartAgain, slog.LevelError},
	NoInstagramAccount: {http.StatusUnprocessableEntity, page.AskAgain, slog.LevelInfo},
	Throttled:          {http.StatusServiceUnavailable, page.StartAgain, slog.LevelWarn},
	MetaUnavailable:    {http.StatusBadGateway, page.StartAgain, slog.LevelError},
	StoreUnavailable:   {http.StatusServiceUnavailable, page.StartAgain, slog.LevelError},
	Misconfigured:      {http.StatusInternalServerError, "", slog.LevelError},
	Unauthorized:       {http.StatusUnauthorized, "", slog.LevelWarn},
	NotFound:           {http.StatusNotFound, "", slog.LevelInfo},
	BadSignature:       {http.StatusUnauthorized, "", slog.LevelWarn},
	Forbidden:          {http.StatusForbidden, "", slog.LevelWarn},
	MethodNotAllowed:   {http.StatusMethodNotAllowed, "", slog.LevelInfo},
	TooLarge:           {http.StatusRequestEntityTooLarge, "", slog.LevelInfo},
	Internal:           {http.StatusInternalServerError, page.StartAgain, slog.LevelError},
}

// text is one about the code: its title, what happened, or what to do next.
func (c Code) text(language page.Language, part string) string {
	return page.Text(language, page.ErrorText(string(c), part))
}
