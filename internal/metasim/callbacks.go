package metasim

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Deauthorize removes the app as RemoveApp does and tells the app's deauthorize callback at url,
// as Meta does; it returns the status of the answer. Any id will do: one that nobody here has
// removes nothing.
func (s *Sim) Deauthorize(ctx context.Context, url, personID string) (status int, err error) {
	status, _, err = s.callBack(ctx, url, personID)
	if err != nil {
		return 0, fmt.Errorf("deauthorizing: %w", err)
	}
	return status, nil
}

// DeleteData removes the app as RemoveApp does and asks the app's data deletion callback at url to
// erase the person's data. It returns the status page and the confirmation code of the answer,
// both of which Meta insists on.
func (s *Sim) DeleteData(ctx context.Context, url, personID string) (statusURL, code string, err error) {
	status, body, err := s.callBack(ctx, url, personID)
	var answer struct {
		URL  string `json:"url"`
		Code string `json:"confirmation_code"`
	}
	switch {
	case err != nil:
	case status != http.StatusOK:
		err = fmt.Errorf("answered with status %d", status)
	default:
		if err = json.Unmarshal(body, &answer); err != nil {
			err = fmt.Errorf("reading the answer: %w", err)
		} else if answer.URL == "" || answer.Code == "" {
			err = fmt.Errorf("the answer lacks url or confirmation_code: %q", body)
		}
	}
	if err != nil {
		return "", "", fmt.Errorf("asking for deletion: %w", err)
	}
	return answer.URL, answer.Code, nil
}

// callBack posts the person's signed_request. Meta calls after the person removed the app, so that
// comes first.
func (s *Sim) callBack(ctx context.Context, callback, personID string) (status int, body []byte, err error) {
	s.locked(func() {
		if p := s.person(personID); p != nil {
			s.removeApp(p)
		}
	})
	form := url.Values{"signed_request": {s.SignedRequest(personID, Signing{})}}
	return s.send(ctx, http.MethodPost, callback, []byte(form.Encode()), http.Header{
		"User-Agent":   {"facebookplatform/1.0 (+http://developers.facebook.com)"},
		"Content-Type": {"application/x-www-form-urlencoded"},
	})
}

// Signing is how a signed_request is made; its zero value is Meta's way.
type Signing struct {
	Padded    bool      // base64url with its "=", which Meta leaves out
	NumericID bool      // user_id as a number, not as a string
	Algorithm string    // "": HMAC-SHA256. What signs is always that
	IssuedAt  time.Time // zero: Sim.Now
	Secret    string    // "": Config.AppSecret
	Payload   *string   // signed as it stands, in place of what the fields above say
}

// SignedRequest returns the signed_request of Meta's callbacks: "signature.payload", the signature
// over the payload's encoded text. The payload has the four members that Meta documents, times in
// seconds. An id that is no number stays a string.
func (s *Sim) SignedRequest(personID string, o Signing) string {
	if o.IssuedAt.IsZero() {
		o.IssuedAt = s.Now()
	}
	payload := encode(object{
		"algorithm": cmp.Or(o.Algorithm, "HMAC-SHA256"), "user_id": wireID(personID, o.NumericID),
		"issued_at": o.IssuedAt.Unix(), "expires": o.IssuedAt.Add(time.Hour).Unix(),
	})
	if o.Payload != nil {
		payload = []byte(*o.Payload)
	}
	encoding := base64.RawURLEncoding
	if o.Padded {
		encoding = base64.URLEncoding
	}
	text := encoding.EncodeToString(payload)
	signature := mac(sha256.New, cmp.Or(o.Secret, s.cfg.AppSecret), []byte(text))
	return encoding.EncodeToString(signature) + "." + text
}
