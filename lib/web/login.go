package web

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/url"

	"igconnect/lib/connect"
	"igconnect/lib/identity"
	"igconnect/lib/page"
)

// LoginOptions reads what a login is asked for: the query, and for a POST the
// form on top of it, which must be of an allowed origin. It fails where return_to
// is no place that we send people to.
func (r *Request) LoginOptions() (connect.LoginOptions, error) {
	asked, err := loginParameters(r)
	if err != nil {
		return connect.LoginOptions{}, err
	}
	options := connect.LoginOptions{
		ReturnTo: asked.Get("return_to"), Explain: asked.Get("explain") != "", InstagramID: asked.Get("instagram_id"),
	}
	if lang := asked.Get("lang"); lang != "" {
		options.Language = string(page.LanguageFor(lang, ""))
		r.Login.Language = options.Language
	}
	if options.ReturnTo != "" && !returnToAllowed(options.ReturnTo, r.App.Config.AllowedOrigins) {
		return options, fail(BadRequest, notListed("return_to", options.ReturnTo))
	}
	r.Login = options
	if options.InstagramID != "" && !connect.IsInstagramID(options.InstagramID) {
		r.Login.InstagramID = "" // starting again with it would end here again
		return options, fail(BadRequest, errors.New("not an Instagram id"))
	}
	return options, nil
}

func loginParameters(r *Request) (url.Values, error) {
	if err := r.FromAllowedPage(); err != nil {
		return nil, err
	}
	if elsewhere(r) && !seenAsOwn(r) && (byScript(r) || formOfAnotherHost(r)) {
		// A redirect would lose a script's token, and a form's Origin, on its way.
		return nil, fail(BadRequest, errors.New("scripts and forms must call the host of REDIRECT_URI"))
	}
	asked := r.URL.Query()
	if r.Method != http.MethodPost {
		return asked, nil
	}
	form, err := postedForm(r)
	maps.Copy(asked, form)
	return asked, err
}

// ToDialog sends the browser to Meta, or tells the script where to send it.
func (r *Request) ToDialog(dialog string) Response {
	if byScript(r) {
		return JSON(http.StatusOK, map[string]string{"url": dialog})
	}
	return Redirect(http.StatusFound, dialog)
}

// SignInFirst answers somebody without a session: off to the app, which vouches for who
// is signed in there, or to its sign-in, which sends people back to this login. It returns
// other errors, and that one where there is neither, as they are.
func (r *Request) SignInFirst(cause error) (Response, error) {
	switch {
	case !errors.Is(cause, identity.ErrSignedOut) || byScript(r):
		return Response{}, cause
	case r.App.Tickets != nil:
		return askApp(r, cause)
	case r.App.Config.SignInURL == "":
		return Response{}, cause
	}
	signIn, err := url.Parse(r.App.Config.SignInURL)
	if err != nil {
		return Response{}, fail(Misconfigured, errors.New("SIGN_IN_URL is not a URL"))
	}
	query := signIn.Query()
	query.Set("return_to", r.App.Config.Origin+loginPath(r.Login))
	signIn.RawQuery = query.Encode()
	return Redirect(http.StatusFound, signIn.String()), nil
}

// Denied answers a no at Meta: back to where the person came from, or the page.
func (r *Request) Denied(state connect.State) (Response, error) {
	ended := state.Ended()
	ended.Denied = true
	r.App.Connect.Endings.Keep(r.Jar, state.Flow(), ended)
	return denied(r)
}

func denied(r *Request) (Response, error) {
	if r.Login.ReturnTo == "" {
		return Response{}, connect.ErrDenied
	}
	return Return(withResult(r.Login.ReturnTo, "error", string(AccessDenied))), nil
}

// toApp leads back to where the login came from, else to the app.
func toApp(r *Request) page.Action {
	address := r.Login.ReturnTo
	if address == "" && r.App != nil {
		address = r.App.Config.AppURL
	}
	return page.Action{Label: page.Back, Href: cmp.Or(address, "/")}
}

// again is a link that begins a new login for the same thing.
func again(r *Request, label page.Key) page.Action {
	return page.Action{Label: label, Href: loginPath(r.Login), Primary: true}
}

func loginPath(o connect.LoginOptions) string {
	query := url.Values{}
	if o.ReturnTo != "" {
		query.Set("return_to", o.ReturnTo)
	}
	if o.Explain {
		query.Set("explain", "1")
	}
	if o.InstagramID != "" {
		query.Set("instagram_id", o.InstagramID)
	}
	if o.Language != "" {
		query.Set("lang", o.Language)
	}
	if len(query) == 0 {
		return "/api/login"
	}
	return "/api/login?" + query.Encode()
}
