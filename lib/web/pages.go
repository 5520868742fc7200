package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"igconnect/lib/connect"
	"igconnect/lib/graph"
	"igconnect/lib/page"
	"igconnect/lib/store"
)

// SaveConnections saves the accounts, which writes to the database and
// subscribes at Meta, and sends the browser back to where the person came from;
// or first shows what is missing: where a chosen account can't work yet, or where
// that was asked for and a Page gave no working account.
func (r *Request) SaveConnections(grant connect.Grant, found graph.Found, chosen []graph.Account) (Response, error) {
	saved, err := r.App.Connect.SaveConnections(r.Context(), r.Jar, grant, found, chosen)
	if err != nil {
		return Response{}, err
	}
	ids, done := saved.IDs(), grant.Options.ReturnTo
	if len(ids) > 0 {
		done = withResult(done, "connected", strings.Join(ids, ","))
	}
	if grant.Options.Explain || len(ids) < len(chosen) {
		explanation, missing := explanationPage(r, saved, found, done)
		switch {
		case len(ids) == 0:
			return Page(http.StatusUnprocessableEntity, explanation).with("X-Error-Code", string(NoInstagramAccount)), nil
		case missing:
			return Page(http.StatusOK, explanation), nil
		}
	}
	return Return(done), nil
}

// CodeRefused answers a callback whose code Meta did not take: where the same
// callback came twice at once, with what the other one has saved.
func CodeRefused(r *Request, state connect.State, refusal error) (Response, error) {
	if ended, ok := r.App.Connect.Endings.Await(r.Context(), r.Jar, state, refusal); ok {
		return backAgain(ended), nil
	}
	return Response{}, refusal
}

// EndedBefore answers a callback or a choice that comes once more: it leads where the
// first one did. Where no such login has ended in this browser the error is cause.
func EndedBefore(r *Request, flow string, cause error) (Response, error) {
	ended, err := r.App.Connect.Endings.Open(r.Jar, flow)
	if err != nil {
		return Response{}, cause
	}
	r.Login = ended.LoginOptions
	if err := r.SameUser(ended.User); err != nil {
		return Response{}, err
	}
	if ended.Denied {
		return denied(r)
	}
	if ended.Connected, err = r.App.Connect.Endings.Saved(r.Context(), ended); err != nil {
		return Response{}, err
	}
	if len(ended.Connected) == 0 { // disconnected since
		return Response{}, cause
	}
	return backAgain(ended), nil
}

func backAgain(ended connect.Ended) Response {
	return Return(withResult(ended.ReturnTo, "connected", strings.Join(ended.Connected, ",")))
}

// OfferChoice shows the accounts to pick from, and leaves the grant sealed in the
// browser meanwhile. notice, if there is one, says what was wrong with the choice
// before.
func (r *Request) OfferChoice(grant connect.Grant, found graph.Found, notice page.Key) (Response, error) {
	choice, err := r.App.Connect.OfferChoice(r.Context(), r.Jar, grant, found)
	if err != nil {
		return Response{}, err
	}
	chooser := chooserPage(r, grant, found, choice)
	if chooser.Notice = notice; notice != "" {
		return Page(http.StatusBadRequest, chooser).with("X-Error-Code", string(BadRequest)), nil
	}
	return Page(http.StatusOK, chooser), nil
}

func chooserPage(r *Request, grant connect.Grant, found graph.Found, choice connect.Choice) page.Chooser {
	returnTo := grant.Options.ReturnTo
	chooser := page.Chooser{
		Action: "/api/choose", Fields: append(flowField(grant.Flow), page.Field{Name: "choosing", Value: "1"}),
		Stopped: choice.Stopped,
		Again:   page.Action{Label: page.AskAgain, Href: loginPath(connect.LoginOptions{ReturnTo: returnTo, Explain: true, Language: grant.Options.Language})},
		Cancel:  page.Action{Label: page.Cancel, Href: withResult(returnTo, "error", string(AccessDenied))},
	}
	for _, a := range found.Accounts {
		shown := page.Account{
			InstagramID: a.InstagramID, Username: a.Username, Name: a.Name, PictureURL: a.PictureURL,
			CannotMessage: a.Token.Empty(), Connected: slices.Contains(choice.Connected, a.InstagramID),
		}
		if a.Page != nil {
			shown.PageName, shown.CannotMessage = a.Page.Name, a.Token.Empty() || !a.Page.CanMessage()
		}
		chooser.Accounts = append(chooser.Accounts, shown)
	}
	return chooser
}

// flowField tells /api/choose which of several sealed grants a form is about.
func flowField(flow string) []page.Field { return []page.Field{{Name: "flow", Value: flow}} }

// missingPermissionPage is the page when something was declined that we need.
func missingPermissionPage(r *Request, e *connect.MissingPermissionError) page.Page {
	return page.Missing{
		Declined: page.Permissions(e.Found.Missing), Person: e.Found.Person.Name,
		Again: again(r, page.AskAgain), RequestID: r.ID,
	}
}

// noAccountPage is the page when no account was found: what each Page lacks.
func noAccountPage(r *Request, e *connect.NoAccountError) page.Page {
	shown := missingPage(r, e.Found, nil)
	shown.Stopped = e.Stopped
	if r.Login.ReturnTo != "" {
		shown.Back = page.Action{Label: page.Back, Href: r.Login.ReturnTo}
	}
	return shown
}

// explanationPage tells which Pages gave no working account, after those saved were
// connected, and reports whether there are any.
func explanationPage(r *Request, saved connect.Saved, found graph.Found, done string) (explanation page.Missing, missing bool) {
	connected := map[string]page.VerdictKind{}
	for i, connection := range saved.Connections {
		connected[connection.InstagramID] = page.Connected
		if saved.Silent(i) {
			connected[connection.InstagramID] = page.Silent
		}
	}
	shown := missingPage(r, found, connected)
	if shown.Saved = true; done != "" {
		shown.Back = page.Action{Label: page.Back, Href: done}
	}
	return shown, slices.ContainsFunc(shown.Pages, func(v page.Verdict) bool { return v.Kind != page.Connected })
}

// missingPage says what each Page lacks, given what is connected.
func missingPage(r *Request, found graph.Found, connected map[string]page.VerdictKind) page.Missing {
	shown := page.Missing{
		Declined: page.Permissions(found.Declined), Person: found.Person.Name,
		Again: again(r, page.AskAgain), RequestID: r.ID,
	}
	for _, p := range found.Pages {
		kind := verdict(p, connected)
		if kind == "" { // an account that could be connected and was not needs no verdict
			continue
		}
		shown.Pages = append(shown.Pages, page.Verdict{PageName: p.Name, Username: p.Username, Kind: kind})
	}
	return shown
}

func verdict(p graph.Page, connected map[string]page.VerdictKind) page.VerdictKind {
	switch {
	case p.InstagramID == "" && p.Username == "":
		return page.NoInstagram
	case p.InstagramID == "":
		return page.NotProfessional
	case !p.HasToken:
		return page.NoToken
	case !p.CanMessage():
		return page.NoTask
	}
	return connected[p.InstagramID]
}

// Erased is the page that says what was erased and when, and whether something is left.
func Erased(record store.Erasure) Response {
	return Page(http.StatusOK, page.Erased{
		Code: record.Code.String(), At: cmp.Or(record.Finished, &record.At).Time,
		Accounts: record.Accounts, Events: record.Events, Rest: record.Finished == nil,
	})
}

// Home is the landing page. Where a login has come back to it, it says so; only the list of
// accounts, or the sealed end of the login, counts as a success.
func (r *Request) Home() Response {
	query := r.URL.Query()
	login := connect.LoginOptions{ReturnTo: "/"}
	if asked := query.Get("lang"); asked != "" {
		login.Language = string(page.LanguageFor(asked, ""))
		login.ReturnTo = "/?lang=" + login.Language
	}
	shown := page.Home{Login: loginPath(login)}
	login.Explain = true
	shown.Explain = loginPath(login)
	switch {
	case query.Get("error") == string(AccessDenied):
		shown.Failed = page.HomeDenied
	case query.Has("error"):
		shown.Failed = page.HomeFailed
	case query.Has("connected") && r.App.Connect != nil:
		ended, err := r.App.Connect.Endings.Open(r.Jar, "")
		shown.Saved = err == nil && !ended.Denied
	}
	return Page(http.StatusOK, shown)
}
