package web

import (
	"log/slog"
	"net/http"
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

// errorTable is THE table of errors: what each code means to browsers, to the
// person and to the log.
var errorTable = map[Code]struct {
	status int
	title  string
	what   string // what happened, in the person's words
	next   string // what to do next
	again  string // label of a link to a new login; none if empty
	level  slog.Level
}{
	SignedOut: {http.StatusUnauthorized, "Please sign in first",
		"We could not tell who you are. You may have been signed out.",
		"Sign in to the app, then connect your Instagram account again.", "", slog.LevelInfo},
	BadRequest: {http.StatusBadRequest, "This link does not work",
		"Something in the address or the form is missing or not allowed.",
		"Go back to the app and start again from there.", "", slog.LevelInfo},
	ForbiddenOrigin: {http.StatusForbidden, "This page may not do that",
		"The request came from a website that is not allowed to connect accounts here.",
		"Go back to the app and start again from there.", "", slog.LevelWarn},
	StateMismatch: {http.StatusBadRequest, "We lost track of your login",
		"This login was not started in this browser, or it was finished already.",
		"Start again, and stay in the same browser until you are back.", "Start again", slog.LevelInfo},
	StateExpired: {http.StatusBadRequest, "That took too long",
		"A login stays open for ten minutes, and this one has run out.",
		"Start again. Nothing was saved.", "Start again", slog.LevelInfo},
	AccessDenied: {http.StatusForbidden, "You said no at Meta",
		"You did not give your permission, so nothing was connected and nothing was saved.",
		"If that was not what you wanted, start again and choose Continue.", "Start again", slog.LevelInfo},
	CodeRejected: {http.StatusBadRequest, "Meta did not accept the login",
		"The confirmation from Meta was used before, is too old, or does not belong here.",
		"Look whether your account is connected already. If it is not, start again.", "Start again", slog.LevelWarn},
	TokenRejected: {http.StatusBadGateway, "Meta ended the login",
		"Meta gave us a permission and then took it back.",
		"Start again. If it happens once more, log out of Facebook, log in, and try again.", "Start again", slog.LevelWarn},
	MissingPermission: {http.StatusUnprocessableEntity, "A permission is missing",
		"Without all the permissions we ask for we cannot find your account and answer its messages.",
		"Ask Meta again, and leave every permission switched on.", "Ask Meta again", slog.LevelInfo},
	UserChanged: {http.StatusConflict, "You are signed in as somebody else now",
		"This login was started by another user of the app. So that no account ends up with the wrong person, nothing was saved.",
		"Check who you are signed in as, then start again.", "Start again", slog.LevelWarn},
	NoInstagramAccount: {http.StatusUnprocessableEntity, "We found no Instagram account",
		"Meta showed us no professional Instagram account.",
		"Ask Meta again, and share the Facebook Page that your Instagram account is linked to.", "Ask Meta again", slog.LevelInfo},
	Throttled: {http.StatusServiceUnavailable, "Meta asks us to slow down",
		"Too many requests went to Meta in a short time.",
		"Wait a few minutes, then start again. Nothing was saved.", "Start again", slog.LevelWarn},
	MetaUnavailable: {http.StatusBadGateway, "Meta does not answer",
		"Facebook's service gave no answer that we can use. It is not your fault.",
		"Wait a minute, then start again. Nothing was saved.", "Start again", slog.LevelError},
	StoreUnavailable: {http.StatusServiceUnavailable, "We cannot save right now",
		"Our storage does not answer. It is not your fault.",
		"Wait a minute, then try again.", "Start again", slog.LevelError},
	Misconfigured: {http.StatusInternalServerError, "This is not set up completely",
		"A setting of this service is missing or wrong. It is not your fault.",
		"Please tell the people who run the app. The log says what is missing.", "", slog.LevelError},
	Unauthorized: {http.StatusUnauthorized, "Only for the operator",
		"The secret of the cron job is missing or wrong.",
		"Send it as Bearer: the value of CRON_SECRET.", "", slog.LevelWarn},
	NotFound: {http.StatusNotFound, "There is nothing here",
		"What you asked for does not exist, or is not yours.",
		"Go back to the app and look again.", "", slog.LevelInfo},
	BadSignature: {http.StatusUnauthorized, "That did not come from Meta",
		"The signature is missing or does not fit.",
		"Check that the app secret set here is the one of the Meta app that sends this.", "", slog.LevelWarn},
	Forbidden: {http.StatusForbidden, "The verify token is wrong",
		"The verify token is missing or not the one that is set here.",
		"Enter the same verify token in the Meta app and in this deployment's settings.", "", slog.LevelWarn},
	MethodNotAllowed: {http.StatusMethodNotAllowed, "This link does not work",
		"The address exists, but not for this kind of request.",
		"Go back to the app and start again from there.", "", slog.LevelInfo},
	TooLarge: {http.StatusRequestEntityTooLarge, "That is too much at once",
		"The request is larger than what we accept.",
		"Choose fewer accounts, and connect the others afterwards.", "", slog.LevelInfo},
	Internal: {http.StatusInternalServerError, "Something broke",
		"There is a mistake in this service. It is not your fault.",
		"Try again. If it happens once more, please tell the people who run the app.", "Start again", slog.LevelError},
}
