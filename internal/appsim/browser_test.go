package appsim

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const (
	igconnect = "https://connect.example.com"
	secret    = "not-a-real-secret-of-32-bytes-or-more"
)

// browser is one that follows no redirect, in front of an app with two people.
type browser struct {
	*App
	t      *testing.T
	url    string // with the prefix
	client *http.Client
}

func newBrowser(t *testing.T, app *App) *browser {
	app.Igconnect, app.People, app.Now = igconnect, Demo(), atStart
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	client := server.Client()
	client.Jar, _ = cookiejar.New(nil) // never fails
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{app, t, server.URL + app.Prefix, client}
}

// answer is a response with its body read.
type answer struct {
	status         int
	location, body string
}

func (b *browser) do(request *http.Request) answer {
	b.t.Helper()
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header.Get("Location"), string(body)}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(request)
}

func (b *browser) post(path string, form url.Values, header ...string) answer {
	b.t.Helper()
	body := strings.NewReader(form.Encode())
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return b.do(request)
}

// cookie returns the value of a cookie in the browser; "" where there is none.
func (b *browser) cookie(name string) string {
	at, _ := url.Parse(b.url)
	for _, cookie := range b.client.Jar.Cookies(at) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}
