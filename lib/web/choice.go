package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"igconnect/lib/connect"
	"igconnect/lib/graph"
	"igconnect/lib/note"
	"igconnect/lib/page"
	"igconnect/lib/store"
)

// choiceAt is the address of a login's choice among accounts, and of what came of it.
func choiceAt(flow string) string { return "/api/choose?flow=" + url.QueryEscape(flow) }

// AwaitChoice leaves the grant sealed in the browser, and leads to the page on which
// the person chooses.
func AwaitChoice(r *Request, grant connect.Grant, found graph.Found) (Response, error) {
	if err := r.App.Connect.AwaitChoice(r.Context(), r.Jar, grant, found); err != nil {
		return Response{}, err
	}
	return ToChoice(grant), nil
}

// ToChoice leads to the page on which the person chooses.
func ToChoice(grant connect.Grant) Response { return Return(choiceAt(grant.Flow)) }

// OpenGrant opens the grant that waits in this browser for the named login, or the
// newest one where flow is empty, and goes on for the user who began it.
func OpenGrant(r *Request, flow string) (connect.Grant, error) {
	grant, err := r.App.Connect.OpenGrant(r.Jar, flow)
	if err != nil {
		return connect.Grant{}, err
	}
	return grant, r.Resume(grant.User, grant.Options)
}

// OfferChoice shows the accounts to pick from. notice, if there is one, says what was
// wrong with the choice before.
func OfferChoice(r *Request, grant connect.Grant, found graph.Found, notice page.Key) (Response, error) {
	choice := r.App.Connect.Choice(r.Context(), grant, found)
	if len(found.Accounts) == 0 { // they are gone since the person came back from Meta
		return Response{}, &connect.NoAccountError{Found: found, Stopped: grant.Stopped, Missed: choice.Missed}
	}
	chooser := chooserPage(r, grant, found, choice)
	if chooser.Notice = notice; notice != "" {
		return Page(http.StatusBadRequest, chooser).with("X-Error-Code", string(BadRequest)), nil
	}
	return Page(http.StatusOK, chooser), nil
}

// SaveConnections saves the accounts, which writes to the database and
// subscribes at Meta, and leads back to where the person came from; or first shows
// what is missing: where a chosen account can't work yet, or where that was asked for
// and a Page gave no working account.
func (r *Request) SaveConnections(
	grant connect.Grant, found graph.Found, chosen []graph.Account,
) (Response, error) {
	saved, err := r.App.Connect.SaveConnections(r.Context(), r.Jar, grant, found, chosen)
	if err != nil {
		return Response{}, err
	}
	ids := saved.IDs()
	if r.Login.Explain || len(ids) < len(chosen) {
		explanation := explanationPage(r, found, saved.Accounts(), ids)
		if len(ids) == 0 || explanation.ToDo() {
			return explained(explanation, ids), nil
		}
	}
	return onward(r, grant.Flow, ids), nil
}

// explained shows what is missing of what was saved: an error where nothing of it is
// connected.
func explained(explanation page.Missing, ids []string) Response {
	if len(ids) == 0 {
		return Page(http.StatusUnprocessableEntity, explanation).with("X-Error-Code", string(NoInstagramAccount))
	}
	return Page(http.StatusOK, explanation)
}

// onward leads back to where the person came from, with the ids that were connected.
// A form's way ends at an address of ours that leads on: browsers hold all redirects
// that follow a form to its page's form-action, those of the app as well.
// https://www.w3.org/TR/CSP3/#directive-form-action
func onward(r *Request, flow string, ids []string) Response {
	if r.Method == http.MethodPost {
		return Redirect(http.StatusSeeOther, choiceAt(flow)+"&connected="+strings.Join(ids, ","))
	}
	return Return(done(r, ids))
}

// done is where the person came from, with the ids that were connected, if any.
func done(r *Request, ids []string) string {
	if len(ids) == 0 {
		return cmp.Or(r.Login.ReturnTo, "/")
	}
	return withResult(r.Login.ReturnTo, "connected", strings.Join(ids, ","))
}

// CodeRefused answers a callback whose code Meta did not take: where the same
// callback came twice at once, with what the other one has saved.
func CodeRefused(r *Request, state connect.State, refusal error) (Response, error) {
	if ended, ok := r.App.Connect.Endings.Await(r.Context(), r.Jar, state, refusal); ok {
		return onward(r, state.Flow(), ended.Connected), nil
	}
	return Response{}, refusal
}

// EndedBefore answers a callback or a choice that comes once more: it leads where the
// first one did. Where no such login has ended in this browser the error is cause.
func EndedBefore(r *Request, flow string, cause error) (Response, error) {
	flow, ended, err := openEnded(r, flow, cause)
	switch {
	case err != nil:
		return Response{}, err
	case ended.Denied:
		return denied(r)
	case len(ended.Connected) == 0:
		return explained(explanationPage(r, graph.Found{}, readSaved(r, &ended), nil), nil), nil
	}
	return onward(r, flow, ended.Connected), nil
}

// ShowEnded says what a login ended with. After the choice, as the address says, the
// page leads on by itself; whoever comes back to it is told that it is done.
func ShowEnded(r *Request, flow string, cause error) (Response, error) {
	_, ended, err := openEnded(r, flow, cause)
	switch {
	case err != nil:
		return Response{}, err
	case ended.Denied:
		return denied(r)
	}
	saved := readSaved(r, &ended)
	switch {
	case len(ended.Connected) > 0:
		return Page(http.StatusOK, donePage(r, saved, ended.Connected)), nil
	case len(saved) > 0:
		return explained(explanationPage(r, graph.Found{}, saved, nil), nil), nil
	}
	return Response{}, cause // disconnected since
}

// openEnded opens what a login ended with in this browser, with the ids that it
// connected, and names it. Where nothing is left of it the error is cause.
func openEnded(r *Request, flow string, cause error) (string, connect.Ended, error) {
	endings := r.App.Connect.Endings
	flow, ended, err := endings.Open(r.Jar, flow)
	if err != nil {
		return "", ended, cause
	}
	if err := r.Resume(ended.User, ended.LoginOptions); err != nil {
		return "", ended, err
	}
	if !ended.Denied {
		ended.Connected, err = endings.Saved(r.Context(), ended)
		if err == nil && len(ended.Connected)+len(ended.Waiting) == 0 {
			err = cause // disconnected since
		}
	}
	return flow, ended, err
}

// readLimit is short: what is read only confirms and names what is known already.
const readLimit = 3 * time.Second

// readSaved reads what a login saved, and leaves of the ids that it connected those
// that still are. A failure is noted only.
func readSaved(r *Request, ended *connect.Ended) []store.Account {
	ctx, cancel := context.WithTimeout(r.Context(), readLimit)
	defer cancel()
	accounts, err := r.App.Connect.Endings.Accounts(ctx, *ended)
	if err != nil {
		note.Add(r.Context(), "not_read", err.Error())
		return nil
	}
	ended.Connected = slices.DeleteFunc(slices.Clone(ended.Connected), func(id string) bool {
		works := func(a store.Account) bool { return a.InstagramID == id && a.Status != store.StatusReconnect }
		return !slices.ContainsFunc(accounts, works)
	})
	return accounts
}
