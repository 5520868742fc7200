package upstream

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ExpectImage asks whether an address leads to a picture, within five seconds and by no
// redirect: pages allow pictures of its own origin only.
func ExpectImage(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("not an address")
	}
	transport := NewTransport()
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, CheckRedirect: NoRedirects}).Do(request)
	if err != nil {
		return WithoutURL(err)
	}
	defer response.Body.Close()
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case response.StatusCode != http.StatusOK:
		return errors.New("it answers with status " + strconv.Itoa(response.StatusCode))
	case !strings.HasPrefix(media, "image/"):
		return errors.New("the Content-Type is not that of a picture")
	}
	return nil
}
