package worker

import (
	"cmp"
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
	"time"
)

const maxAnswer = 16 << 20 // bytes

type object map[string]any

// New reads the settings through getenv, such as os.Getenv: SUPABASE_URL,
// SUPABASE_SECRET_KEY and FB_APP_SECRET must be set.
func New(getenv func(string) string) (*Worker, error) {
	supabase := cmp.Or(getenv("SUPABASE_URL"), getenv("NEXT_PUBLIC_SUPABASE_URL"))
	secret, _, _ := strings.Cut(getenv("FB_APP_SECRET"), ",") // the first of the list signs
	graph := cmp.Or(getenv("FB_GRAPH_URL"), "https://graph.facebook.com")
	w := &Worker{
		Batch: 10, Lease: "5 minutes",
		http: &http.Client{
			Timeout: 10 * time.Second,
			// A redirect would carry the key or a token elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		database:  strings.TrimRight(supabase, "/") + "/rest/v1/rpc/",
		key:       cmp.Or(getenv("SUPABASE_SECRET_KEY"), getenv("SUPABASE_SERVICE_ROLE_KEY")),
		graph:     graph + "/" + cmp.Or(getenv("GRAPH_API_VERSION"), "v24.0"),
		appSecret: strings.TrimSpace(secret),
	}
	if supabase == "" || w.key == "" || w.appSecret == "" {
		return nil, errors.New("SUPABASE_URL, SUPABASE_SECRET_KEY and FB_APP_SECRET must be set")
	}
	return w, nil
}

// call calls a function of the database and decodes its answer into out, unless that is nil.
func (w *Worker) call(ctx context.Context, name string, args object, out any) error {
	body, err := json.Marshal(args)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/json"}, "Apikey": {w.key}}
	if !strings.HasPrefix(w.key, "sb_") { // an older key, which is a JWT
		header.Set("Authorization", "Bearer "+w.key)
	}
	status, answer, err := w.post(ctx, w.database+name, header, string(body))
	switch {
	case err != nil:
		return fmt.Errorf("calling %s: %w", name, err)
	case status != http.StatusOK:
		var refusal struct{ Message string }
		_ = json.Unmarshal(answer, &refusal)
		return fmt.Errorf("calling %s: Supabase answered %s", name, strings.TrimSpace(fmt.Sprint(status, " ", refusal.Message)))
	case out == nil:
		return nil
	}
	return json.Unmarshal(answer, out)
}

// send sends a text to a person in the name of the event's Page.
func (w *Worker) send(ctx context.Context, e Event, person, text string) error {
	if e.PageID == "" || e.PageToken == "" {
		return errors.New("the connection has no Page token")
	}
	proof := hmac.New(sha256.New, []byte(w.appSecret))
	proof.Write([]byte(e.PageToken))
	recipient, _ := json.Marshal(object{"id": person})
	message, _ := json.Marshal(object{"text": text})
	form := url.Values{
		"recipient": {string(recipient)}, "message": {string(message)},
		"appsecret_proof": {hex.EncodeToString(proof.Sum(nil))},
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Bearer " + e.PageToken}}
	status, answer, err := w.post(ctx, w.graph+"/"+e.PageID+"/messages", header, form.Encode())
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	if status != http.StatusOK {
		var refusal struct { // without its message, which may quote the token
			Error struct {
				Code    int
				Subcode int `json:"error_subcode"`
			}
		}
		_ = json.Unmarshal(answer, &refusal)
		return fmt.Errorf("sending: Meta answered %d, code %d, subcode %d", status, refusal.Error.Code, refusal.Error.Subcode)
	}
	return nil
}

func (w *Worker) post(ctx context.Context, address string, header http.Header, body string) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header = header
	response, err := w.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, answer, err
}
