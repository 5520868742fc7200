package metasim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Deauthorize removes the app as RemoveApp does and tells the app's deauthorize
// callback at url, as Meta does; it returns the status of the answer. Any id
// will do: one that nobody here has removes nothing.
func (s *Sim) Deauthorize(ctx context.Context, url, personID string) (status int, err error) {
	status, _, err = s.callBack(ctx, url, personID)
	if err != nil {
		return 0, fmt.Errorf("deauthorizing: %w", err)
	}
	return status, nil
}

// DeleteData removes the app as RemoveApp does and asks the app's data deletion
// callback at url to erase the person's data. It returns the status page and
// the confirmation code of the answer, both of which Meta insists on.
func (s *Sim) DeleteData(ctx context.Context, url, personID string) (statusURL, code string, err error) {
	status, body, err := s.callBack(ctx, url, personID)
	if err != nil {
		return "", "", fmt.Errorf("asking for deletion: %w", err)
	}
	if status != http.StatusOK {
		return "", "", fmt.Errorf("asking for deletion: answered with status %d", status)
	}
	var answer struct {
		URL  string `json:"url"`
		Code string `json:"confirmation_code"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", "", fmt.Errorf("asking for deletion: reading the answer: %w", err)
	}
	if answer.URL == "" || answer.Code == "" {
		return "", "", fmt.Errorf("asking for deletion: the answer lacks url or confirmation_code: %q", body)
	}
	return answer.URL, answer.Code, nil
}

// callBack posts the person's signed_request. Meta calls after the person
// removed the app, so that comes first.
func (s *Sim) callBack(ctx context.Context, callback, personID string) (status int, body []byte, err error) {
	s.removeIfKnown(personID)
	form := url.Values{"signed_request": {s.SignedRequest(personID, Signing{})}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, callback, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.send(req, "facebookplatform/1.0 (+http://developers.facebook.com)")
}

func (s *Sim) removeIfKnown(personID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.person(personID); p != nil {
		s.removeApp(p)
	}
}
