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

// call is one request, from its start to the end of the answer.
type call struct{ start, end time.Time }

// connect is one visitor's way: the login, Meta's dialog (approved in this process), the callback.
// It returns the last.
func connect(ctx context.Context, at string, v visitor, sim *metasim.Sim) (c call, err error) {
	login, err := get(ctx, "login", at+"/api/login", browser(v.cookie), http.StatusFound)
	if err != nil {
		return c, err
	}
	back, err := approve(sim, login.location, v)
	if err != nil {
		return c, err
	}
	c.start = time.Now()
	callback, err := get(ctx, "callback", back, browser(v.cookie+"; "+login.cookies), http.StatusSeeOther)
	c.end = time.Now()
	if err == nil && !strings.HasSuffix(strings.TrimSuffix(callback.location, "#"), "connected="+v.account) {
		err = callback
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

// answered is the answer to the request of a step; as an error, one that is not as expected.
type answered struct {
	step                          string
	status                        int
	location, cookies, code, body string
}

func (a answered) Error() string {
	return fmt.Sprintf("%s: status %d %s: %.300s", a.step, a.status, a.code, a.body)
}

// browser is the header of a browser's request.
func browser(cookies string) http.Header {
	return http.Header{"Cookie": {cookies}, "Accept": {"text/html"}}
}

// get makes the request of a step. An answer with another status is an error.
func get(ctx context.Context, step, address string, header http.Header, status int) (a answered, err error) {
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
	h := response.Header
	a = answered{step, response.StatusCode, h.Get("Location"), strings.Join(pairs, "; "), h.Get("X-Error-Code"), string(body)}
	if a.status != status {
		err = a
	}
	return a, err
}
