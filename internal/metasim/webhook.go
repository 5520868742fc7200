package metasim

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// webhookTimeout is how long Meta waits for the answer to a delivery.
const webhookTimeout = 5 * time.Second

// newWebhookClient makes the client of deliveries, which follows no redirect.
func newWebhookClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 32 // or parallel senders use up the machine's ports
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Sign returns the value of X-Hub-Signature-256 for a delivery's body.
func (s *Sim) Sign(body []byte) string {
	return "sha256=" + hex.EncodeToString(mac(sha256.New, s.cfg.AppSecret, body))
}

func mac(h func() hash.Hash, secret string, text []byte) []byte {
	mac := hmac.New(h, []byte(secret))
	mac.Write(text)
	return mac.Sum(nil)
}

// Deliver posts a body, signed, and returns the answer's status: 200 acknowledges. No answer
// within 5 seconds is an error, with status 0.
//
// For an account of the Sim's people the Page must be subscribed, else nothing is posted and the
// error is [ErrNotSubscribed]. Accounts the Sim does not know, and bodies that are no delivery, are
// posted as they are.
func (s *Sim) Deliver(ctx context.Context, url string, body []byte) (status int, err error) {
	if err := s.admit(parseDelivery(body)); err != nil {
		return 0, err
	}
	status, _, err = s.post(ctx, url, body, http.Header{
		"User-Agent": {"Webhooks/1.0 (https://fb.me/webhooks)"}, "Content-Type": {"application/json"},
		"X-Hub-Signature-256": {s.Sign(body)},
		"X-Hub-Signature":     {"sha1=" + hex.EncodeToString(mac(sha1.New, s.cfg.AppSecret, body))}, // still sent
	})
	if err != nil {
		return 0, fmt.Errorf("delivering: %w", err)
	}
	return status, nil
}

// DeliverUntilAcknowledged delivers the same bytes again, at most tries times, until they are
// answered with 200. The first pause is as given, each further one twice as long.
func (s *Sim) DeliverUntilAcknowledged(
	ctx context.Context, url string, body []byte, tries int, pause time.Duration,
) error {
	for try := 1; ; try++ {
		status, err := s.Deliver(ctx, url, body)
		if err == nil && status == http.StatusOK {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("delivering: answered with status %d", status)
		}
		if try >= tries || errors.Is(err, ErrNotSubscribed) {
			return fmt.Errorf("giving up after %d of %d tries: %w", try, tries, err)
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// post posts as Meta does. Its errors are without the URL.
func (s *Sim) post(ctx context.Context, to string, body []byte, header http.Header) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.webhookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = header
	req.Header.Set("Accept", "*/*")
	res, err := s.webhooks.Do(req)
	if err != nil {
		return 0, nil, errors.Unwrap(err) // of *url.Error
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	return res.StatusCode, answer, err
}

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
		URL  string
		Code string `json:"confirmation_code"`
	}
	switch {
	case err != nil:
	case status != http.StatusOK:
		err = fmt.Errorf("answered with status %d", status)
	case json.Unmarshal(body, &answer) != nil || answer.URL == "" || answer.Code == "":
		err = fmt.Errorf("the answer lacks url or confirmation_code: %q", body)
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
	return s.post(ctx, callback, []byte(form.Encode()), http.Header{
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
	id := any(personID)
	if _, err := strconv.ParseUint(personID, 10, 64); o.NumericID && err == nil {
		id = json.Number(personID)
	}
	payload := encode(object{
		"algorithm": cmp.Or(o.Algorithm, "HMAC-SHA256"), "user_id": id,
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
