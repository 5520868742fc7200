package api_test

import (
	"net/http"
	"net/url"
	"os"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/leaks"
	"igconnect/internal/metasim"
)

// Every test of this package is a test for leaks: whatever its deployment answers,
// logs, asks for by URL or stores is searched for each secret that went in, and
// so is whatever the process prints.
func TestMain(m *testing.M) {
	os.Exit(leaks.Main(m.Run))
}

const (
	ada = deploytest.Ada
	ben = deploytest.Ben

	appOrigin = "https://app.example"
)

var (
	brand       = deploytest.Brand
	instagramID = deploytest.InstagramID
	session     = deploytest.Session
	reply       = deploytest.Reply
	html        = deploytest.HTML
)

// deployment is one for a test of this package.
type deployment struct{ *deploytest.Deployment }

// deploy deploys the functions with the stand-in for Supabase. The person at Meta
// has the given Pages.
func deploy(t testing.TB, pages ...metasim.Page) deployment {
	t.Helper()
	return deployWith(t, nil, pages...)
}

// deployWith is deploy with settings besides the usual ones.
func deployWith(t testing.TB, settings map[string]string, pages ...metasim.Page) deployment {
	t.Helper()
	return deployment{deploytest.New(t, deploytest.Options{Pages: pages, Settings: settings})}
}

// sendForm posts a form as a foreign page or a program would.
func (d deployment) sendForm(path string, header map[string]string, form url.Values) deploytest.Answer {
	d.T.Helper()
	sent := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for name, value := range header {
		sent[name] = value
	}
	return d.Send(http.MethodPost, path, sent, form.Encode())
}

// choice is what the chooser's form says for these accounts.
func choice(accounts ...int) url.Values {
	form := url.Values{}
	for _, n := range accounts {
		form.Add("instagram_id", instagramID(n))
	}
	return form
}

// count is how many requests of a step reached Supabase.
func (d deployment) count(step string) int {
	n := 0
	for _, request := range d.Supabase.Requests() {
		if request.Step == step {
			n++
		}
	}
	return n
}

// brands are n Pages with their accounts, and the form that chooses them all.
func brands(n int) (pages []metasim.Page, form url.Values) {
	form = url.Values{}
	for i := 1; i <= n; i++ {
		pages = append(pages, brand(i))
		form.Add("instagram_id", instagramID(i))
	}
	return pages, form
}

// seedScopes are the permissions that are asked for unless FB_LOGIN_SCOPES says
// otherwise.
const seedScopes = "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata"
