package app

import (
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"igconnect/lib/graph"
	"igconnect/lib/page"
)

// Signed is a verified signed_request of Meta's.
type Signed struct {
	graph.SignedRequest
	Code uuid.UUID // of this request: the same if it comes again
}

// SignedRequest reads and verifies what Meta posts when a person removes the
// app or asks for erasure.
func (c *Call) SignedRequest() (Signed, error) {
	form, err := c.form()
	if err != nil {
		return Signed{}, err
	}
	sent := form.Get("signed_request")
	request, err := graph.ParseSignedRequest(sent, c.Config.AppSecrets, c.now())
	if err != nil {
		return Signed{}, Fail(BadSignature, err)
	}
	return Signed{SignedRequest: request, Code: uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.ReplaceAll(sent, "=", "")))}, nil
}

// ShowErasure is the page that says what was erased and when.
func (c *Call) ShowErasure(code string) error {
	parsed, err := uuid.Parse(code)
	if err != nil {
		return Fail(NotFound, errors.New("not a confirmation code"))
	}
	record, found, err := c.Store.Erasure(c.R.Context(), parsed)
	if err != nil {
		return err
	}
	if !found {
		return Fail(NotFound, errors.New("no erasure has this code"))
	}
	return c.Render(http.StatusOK, page.Erased{Code: parsed.String(), At: record.At.Time, Accounts: record.Accounts, Events: record.Events})
}
