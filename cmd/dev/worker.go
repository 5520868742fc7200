package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// claimed is an event with what is needed to answer it.
type claimed struct {
	ID           string `json:"id"`
	InstagramID  string `json:"instagram_id"`
	Conversation string `json:"conversation"`
	Kind         string `json:"kind"`
	Token        string `json:"token"`
	PageID       string `json:"page_id"`
	PageToken    string `json:"page_token"`
}

// worked is what a worker did with one claim.
type worked struct {
	Claimed, Answered, Failed int
	Trouble                   string // what stopped it
}

// work lets a worker play once, as those of examples/ do all the time.
func (s *system) work(w http.ResponseWriter, r *http.Request) {
	result := &worked{}
	events, err := s.claim(r.Context())
	if err == nil {
		result, err = s.handle(r.Context(), events)
	}
	if err != nil {
		result.Trouble = sentence(err)
	}
	s.mail.mu.Lock()
	s.mail.worked = result
	s.mail.mu.Unlock()
	http.Redirect(w, r, "/dev/#inbox-title", http.StatusSeeOther)
}

// claim takes events out of the inbox. What is not finished or failed within a
// minute comes again.
func (s *system) claim(ctx context.Context) ([]claimed, error) {
	var events []claimed
	err := s.callInbox(ctx, "claim_instagram_events", map[string]any{"p_limit": maxShown, "p_lease": "1 minute"}, &events)
	return events, err
}

// handle answers each message with "thanks" and finishes what it has handled.
// An event that fails keeps those behind it in its conversation.
func (s *system) handle(ctx context.Context, events []claimed) (*worked, error) {
	result := &worked{Claimed: len(events)}
	held := map[string]bool{}
	for _, e := range events {
		if held[e.Conversation] {
			continue
		}
		var err error
		if e.Kind == "message" {
			if err = s.thank(ctx, e); err == nil {
				result.Answered++
			}
		}
		name, args := "finish_instagram_events", map[string]any{"ids": []string{e.ID}}
		if err != nil {
			held[e.Conversation] = true
			result.Failed++
			name, args["reason"] = "fail_instagram_events", err.Error()
		}
		if err := s.callInbox(ctx, name, args, new(int)); err != nil {
			return result, err
		}
	}
	return result, nil
}

// callInbox calls a function of the inbox with the secret key and decodes its
// answer into out.
func (s *system) callInbox(ctx context.Context, name string, args, out any) error {
	status, body, err := s.service().call(ctx, name, args)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d", status)
	}
	if err == nil {
		err = json.Unmarshal(body, out)
	}
	if err != nil {
		return fmt.Errorf("calling %s: %w", name, err)
	}
	return nil
}

// thank answers the person of the conversation in the name of the Page. Its
// errors hold no token.
func (s *system) thank(ctx context.Context, e claimed) error {
	if e.PageToken == "" {
		return errors.New("the connection has no Page token")
	}
	_, person, _ := strings.Cut(e.Conversation, "/")
	to, err := json.Marshal(map[string]string{"id": person})
	if err != nil {
		return err
	}
	proof := hmac.New(sha256.New, []byte(s.env["FB_APP_SECRET"]))
	proof.Write([]byte(e.PageToken))
	form := url.Values{
		"recipient": {string(to)}, "message": {`{"text":"thanks"}`},
		"appsecret_proof": {hex.EncodeToString(proof.Sum(nil))},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.metaURL+"/v24.0/"+url.PathEscape(e.PageID)+"/messages", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+e.PageToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("answering: %w", err)
	}
	defer res.Body.Close()
	var refusal struct {
		Error struct {
			Code    int
			Subcode int `json:"error_subcode"`
		}
	}
	if res.StatusCode != http.StatusOK {
		_ = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&refusal) // what Meta writes otherwise has no code
		return fmt.Errorf("answering: Meta said %d, code %d, subcode %d", res.StatusCode, refusal.Error.Code, refusal.Error.Subcode)
	}
	return nil
}
