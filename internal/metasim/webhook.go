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

// webhookPatience is how long Meta waits for the answer to a delivery.
const webhookPatience = 5 * time.Second

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
func (s *Sim) Sign(body []byte) string { return "sha256=" + s.mac(sha256.New, body) }

func (s *Sim) mac(h func() hash.Hash, body []byte) string {
	mac := hmac.New(h, []byte(s.cfg.AppSecret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Deliver posts a body, signed, and returns the answer's status: 200
// acknowledges. No answer within 5 seconds is an error, with status 0.
//
// For an account of the Sim's people the Page must be subscribed, else nothing
// is posted and the error is ErrNotSubscribed; SetDeliverOnFeed and
// SetDeliverToAll relax that. Accounts the Sim does not know, and bodies that
// are no delivery, are posted as they are.
func (s *Sim) Deliver(ctx context.Context, url string, body []byte) (status int, err error) {
	if err := s.tell(readDelivery(body)); err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature", "sha1="+s.mac(sha1.New, body)) // Meta still sends it too
	req.Header.Set("X-Hub-Signature-256", s.Sign(body))
	status, _, err = s.send(req, webhookAgent)
	if err != nil {
		return 0, fmt.Errorf("delivering: %w", err)
	}
	return status, nil
}

// DeliverUntilAcknowledged delivers the same bytes again, at most tries times,
// until they are answered with 200. The first pause is as given, each further
// one twice as long.
func (s *Sim) DeliverUntilAcknowledged(ctx context.Context, url string, body []byte, tries int, pause time.Duration) error {
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

// Verify makes Meta's handshake with a webhook: nil if it answered 200 with
// the raw challenge, as it must where token is its verify token.
func (s *Sim) Verify(ctx context.Context, webhook, token string) error {
	u, err := url.Parse(webhook)
	if err != nil {
		return err
	}
	challenge := "1" + randomDigits(9)
	q := u.Query()
	q.Set("hub.mode", "subscribe")
	q.Set("hub.challenge", challenge)
	q.Set("hub.verify_token", token)
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	status, body, err := s.send(req, webhookAgent)
	switch {
	case err != nil:
		return fmt.Errorf("verifying the webhook: %w", err)
	case status != http.StatusOK:
		return fmt.Errorf("verifying the webhook: answered with status %d", status)
	case string(body) != challenge:
		return fmt.Errorf("verifying the webhook: answered with %q instead of the challenge %s", body, challenge)
	}
	return nil
}

// send makes a request as Meta does. Its errors are without the URL,
// whose query holds the verify token.
func (s *Sim) send(req *http.Request, agent string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(req.Context(), s.patience)
	defer cancel()
	req.Header.Set("User-Agent", agent)
	req.Header.Set("Accept", "*/*")
	res, err := s.webhooks.Do(req.WithContext(ctx))
	if err != nil {
		var broken *url.Error
		if errors.As(err, &broken) {
			err = broken.Err
		}
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, maxBody))
	return res.StatusCode, body, err
}
