package metasim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"time"
)

// webhookTimeout is how long Meta waits for the answer to a delivery.
const webhookTimeout = 5 * time.Second

const webhookAgent = "Webhooks/1.0 (https://fb.me/webhooks)"

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
// error is [ErrNotSubscribed]; SetDeliverOnFeed and SetDeliverToAll change that. Accounts the Sim
// does not know, and bodies that are no delivery, are posted as they are.
func (s *Sim) Deliver(ctx context.Context, url string, body []byte) (status int, err error) {
	if err := s.admit(parseDelivery(body)); err != nil {
		return 0, err
	}
	status, _, err = s.send(ctx, http.MethodPost, url, body, http.Header{
		"User-Agent": {webhookAgent}, "Content-Type": {"application/json"},
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

// Verify makes Meta's handshake with a webhook: nil if it answered 200 with the raw challenge, as
// it must where token is its verify token.
func (s *Sim) Verify(ctx context.Context, webhook, token string) error {
	u, err := url.Parse(webhook)
	if err != nil {
		return err
	}
	challenge := "1" + random(digits, 9)
	q := u.Query()
	q.Set("hub.mode", "subscribe")
	q.Set("hub.challenge", challenge)
	q.Set("hub.verify_token", token)
	u.RawQuery = q.Encode()
	header := http.Header{"User-Agent": {webhookAgent}}
	status, body, err := s.send(ctx, http.MethodGet, u.String(), nil, header)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("answered with status %d", status)
	} else if err == nil && string(body) != challenge {
		err = fmt.Errorf("answered with %q instead of the challenge %s", body, challenge)
	}
	if err != nil {
		return fmt.Errorf("verifying the webhook: %w", err)
	}
	return nil
}

// send makes a request as Meta does. Its errors are without the URL, whose query holds the verify
// token.
func (s *Sim) send(
	ctx context.Context, method, to string, body []byte, header http.Header,
) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.webhookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = header
	req.Header.Set("Accept", "*/*")
	res, err := s.webhooks.Do(req)
	if err != nil {
		var broken *url.Error
		if errors.As(err, &broken) {
			err = broken.Err
		}
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxBody))
	return res.StatusCode, answer, err
}
