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

// connect is one visitor's way: the login, Meta's dialog (approved in this process), the callback.
func connect(ctx context.Context, at string, v visitor, sim *metasim.Sim) (c connected, err error) {
	login, err := get(ctx, at+"/api/login", browser(v.cookie))
	if err == nil && login.status != http.StatusFound {
		err = login.refused("login")
	}
	if err != nil {
		return c, err
	}
	back, err := approve(sim, login.location, v)
	if err != nil {
		return c, err
	}
	begun := time.Now()
	callback, err := get(ctx, back, browser(v.cookie+"; "+login.cookies))
	c = connected{time.Since(begun), begun}
	if err == nil && (callback.status != http.StatusSeeOther || !strings.HasSuffix(callback.location, "connected="+v.account)) {
		err = callback.refused("callback")
	}
	return c, err
}

// approve submits the dialog's form, as the Continue button does. It is made in this process,
// without rendering the page and reading it again as Sim.Approve would: that costs more than a
// whole connect.
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

// answered is the answer to a browser's request; as an error, one that is not as expected.
type answered struct {
	status                        int
	location, cookies, code, body string
	step                          string // at which it was not expected
}

func (a answered) Error() string {
	return fmt.Sprintf("%s: status %d %s: %.300s", a.step, a.status, a.code, a.body)
}

func (a answered) refused(step string) error { a.step = step; return a }

// browser is the header of a browser's request.
func browser(cookies string) http.Header {
	return http.Header{"Cookie": {cookies}, "Accept": {"text/html"}}
}

func get(ctx context.Context, address string, header http.Header) (a answered, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return a, err
	}
	request.Header = header
	response, err := plainClient.Do(request)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return a, err
	}
	var pairs []string
	for _, cookie := range response.Cookies() {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return answered{
		status: response.StatusCode, location: response.Header.Get("Location"), cookies: strings.Join(pairs, "; "),
		code: response.Header.Get("X-Error-Code"), body: string(body),
	}, nil
}
