package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"igconnect/internal/metasim"
)

// plainClient is the browsers' connections: kept, for many at once, and redirects are answers.
var plainClient = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       60 * time.Second,
}

// connected is what became of a connect.
type connected struct {
	callback time.Duration // from the callback's request to its whole answer
	begun    time.Time     // of the callback's request
}

// refused is an answer that is not the one expected.
type refused struct {
	step   string
	status int
	code   string // X-Error-Code
	body   string
}

func (r *refused) Error() string {
	return fmt.Sprintf("%s: status %d %s: %.300s", r.step, r.status, r.code, r.body)
}

// connect is one visitor's way: the login, Meta's dialog (approved in this process), the callback.
func connect(ctx context.Context, at string, v visitor, sim *metasim.Sim) (connected, error) {
	login, err := get(ctx, at+"/api/login", v.cookie)
	if err != nil {
		return connected{}, err
	}
	if login.status != http.StatusFound {
		return connected{}, login.refused("login")
	}
	back, err := approve(sim, login.location, v)
	if err != nil {
		return connected{}, err
	}
	begun := time.Now()
	callback, err := get(ctx, back, v.cookie+"; "+login.cookies)
	if err != nil {
		return connected{}, err
	}
	took := time.Since(begun)
	if callback.status != http.StatusSeeOther || !strings.HasSuffix(callback.location, "connected="+v.account) {
		return connected{}, callback.refused("callback")
	}
	return connected{took, begun}, nil
}

// approve submits the dialog's form, as the Continue button does. It is made in this process, without rendering the page
// and reading it again as Sim.Approve would: that costs more than a whole connect.
func approve(sim *metasim.Sim, dialog string, v visitor) (back string, err error) {
	form := url.Values{"person": {v.person}, "decision": {"continue"}, "permission": metasim.DefaultScopes, "page": {v.page}}
	request, err := http.NewRequest(http.MethodPost, dialog, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	sim.ServeHTTP(answer, request)
	if answer.Code != http.StatusFound {
		return "", fmt.Errorf("the dialog answered with status %d: %.300s", answer.Code, answer.Body)
	}
	return answer.Header().Get("Location"), nil
}

// answered is the answer to a browser's request.
type answered struct {
	status                        int
	location, cookies, code, body string
}

func (a answered) refused(step string) error { return &refused{step, a.status, a.code, a.body} }

func get(ctx context.Context, address, cookies string) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answered{}, err
	}
	request.Header.Set("Cookie", cookies)
	request.Header.Set("Accept", "text/html")
	return send(request)
}

func send(request *http.Request) (answered, error) {
	response, err := plainClient.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answered{}, err
	}
	a := answered{
		status: response.StatusCode, location: response.Header.Get("Location"),
		code: response.Header.Get("X-Error-Code"), body: string(body),
	}
	var pairs []string
	for _, cookie := range response.Cookies() {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	a.cookies = strings.Join(pairs, "; ")
	return a, nil
}
