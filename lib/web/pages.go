package web

import (
	"cmp"
	"net/http"
	"slices"

	"igconnect/lib/connect"
	"igconnect/lib/graph"
	"igconnect/lib/page"
	"igconnect/lib/store"
)

func chooserPage(r *Request, grant connect.Grant, found graph.Found, choice connect.Choice) page.Chooser {
	returnTo := r.Login.ReturnTo
	explain := connect.LoginOptions{ReturnTo: returnTo, Explain: true, Language: r.Login.Language}
	chooser := page.Chooser{
		Action: "/api/choose", Fields: append(flowField(grant.Flow), page.Field{Name: "choosing", Value: "1"}),
		Person: found.Person.Name, Stopped: grant.Stopped, Missed: missedPage(choice.Missed),
		Again:  page.Action{Label: page.AskAgain, Href: loginPath(explain)},
		Cancel: page.Action{Label: page.Cancel, Href: withResult(returnTo, "error", string(AccessDenied))},
	}
	if chooser.Missed != nil {
		chooser.Again = again(r, page.AskAgain)
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

// missedPage says which account was to be reconnected and was not shared.
func missedPage(missed *connect.NotShared) *page.Missed {
	if missed == nil {
		return nil
	}
	return &page.Missed{
		Account: missed.Account, PageName: missed.PageName, WithoutPage: missed.WithoutPage, OtherProfile: missed.OtherProfile,
	}
}

// missingPermissionPage is the page when something was declined that we need.
func missingPermissionPage(r *Request, e *connect.MissingPermissionError) page.Page {
	return page.Missing{
		Declined: page.Permissions(e.Found.Missing), Person: e.Found.Person.Name,
		Again: again(r, page.AskAgain), Back: toApp(r), RequestID: r.ID,
	}
}

// noAccountPage is the page when no account was found: what each Page lacks.
func noAccountPage(r *Request, e *connect.NoAccountError) page.Page {
	shown := missingPage(r, e.Found, nil)
	shown.Stopped, shown.Missed = e.Stopped, missedPage(e.Missed)
	shown.Pageless = len(e.Found.Pageless()) > 0
	return shown
}

// explanationPage tells which Pages gave no working account, after the accounts were
// saved of which those of the ids are connected.
func explanationPage(r *Request, found graph.Found, saved []store.Account, ids []string) page.Missing {
	verdicts := map[string]page.Verdict{}
	for _, account := range saved {
		verdicts[account.InstagramID] = verdictOn(r, account)
	}
	shown := missingPage(r, found, verdicts)
	if len(found.Pages) == 0 { // the accounts alone are known
		for _, account := range saved {
			shown.Pages = append(shown.Pages, verdicts[account.InstagramID])
		}
	}
	shown.Saved, shown.Back.Href = true, done(r, ids)
	return shown
}

// donePage says what is connected, and leads on.
func donePage(r *Request, saved []store.Account, ids []string) page.Done {
	shown := page.Done{
		Count: len(ids), Onward: page.Action{Label: page.Continue, Href: done(r, ids), Primary: true},
		Goes: r.URL.Query().Has("connected"),
	}
	for _, account := range saved {
		shown.Accounts = append(shown.Accounts, verdictOn(r, account))
	}
	return shown
}

// missingPage says what each Page lacks, given the verdicts on what was saved.
func missingPage(r *Request, found graph.Found, saved map[string]page.Verdict) page.Missing {
	shown := page.Missing{
		Declined: page.Permissions(found.Declined), Person: found.Person.Name,
		Again: again(r, page.AskAgain), Back: toApp(r), RequestID: r.ID,
	}
	for _, p := range found.Pages {
		kind := verdict(p)
		if kind == "" {
			kind = saved[p.InstagramID].Kind
		}
		if kind != "" { // an account that could be connected and was not needs no verdict
			shown.Pages = append(shown.Pages, page.Verdict{PageName: p.Name, Username: p.Username, Kind: kind})
		}
	}
	for _, id := range found.NotShown {
		shown.Pages = append(shown.Pages, page.Verdict{PageName: id, Kind: page.NotShown})
	}
	return shown
}

// verdict says why a Page can give no working account; "": nothing says so.
func verdict(p graph.Page) page.VerdictKind {
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
	return ""
}

// verdictOn says how a saved account is.
func verdictOn(r *Request, a store.Account) page.Verdict {
	v := page.Verdict{PageName: string(a.PageName), Username: string(a.Username), Kind: page.Connected}
	switch {
	case a.Status == store.StatusReconnect:
		v.Kind = page.NoToken
	case a.Subscription.Error == graph.NoTask:
		v.Kind = page.NoTask
	case a.Subscription.Error != "" || len(a.Fields) == 0:
		v.Kind = page.Silent
	case slices.Contains(r.App.Config.WebhookFields, "messages") && !slices.Contains(a.Fields, "messages"):
		v.Kind = page.Waiting
	}
	return v
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
	cfg := r.App.Config
	shown := page.Home{Login: loginPath(login), Unlisted: !cfg.SupabaseUsers && cfg.JWTCookie == ""}
	login.Explain = true
	shown.Explain = loginPath(login)
	switch {
	case query.Get("error") == string(AccessDenied):
		shown.Failed = page.HomeDenied
	case query.Has("error"):
		shown.Failed = page.HomeFailed
	case query.Has("connected") && r.App.Connect != nil:
		_, ended, err := r.App.Connect.Endings.Open(r.Jar, "")
		shown.Saved = err == nil && !ended.Denied && (len(ended.Connected) > 0 || len(ended.Waiting) == 0)
	}
	return Page(http.StatusOK, shown)
}
