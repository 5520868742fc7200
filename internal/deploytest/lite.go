package deploytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"
)

// ConnectAgo connects all of the person's accounts as if that had been so many days ago at Meta,
// and lets them be due for a check. What Meta was asked for is forgotten.
func (d *Deployment) ConnectAgo(days int) {
	d.T.Helper()
	d.Meta.Jump(time.Duration(-days) * 24 * time.Hour)
	d.ConnectAll()
	d.Meta.Jump(time.Duration(days) * 24 * time.Hour)
	d.MakeDue()
	d.Meta.Reset()
}

// MakeDue lets all connections be due for a check, and ends their leases.
func (d *Deployment) MakeDue() {
	d.T.Helper()
	d.SQL("update public.user_configs set checked_at = now() - interval '21 hours', leased_until = now()")
}

// Row is the connection of the account of [Brand] n, as in [Deployment.Rows].
func (d *Deployment) Row(n int) map[string]any {
	d.T.Helper()
	row := d.Rows()[InstagramID(n)]
	if row == nil {
		d.T.Fatalf("there is no row of account %d", n)
	}
	return row
}

// Rows are all connections with their tokens, by Instagram id. Of the columns that may be null the
// status_reason, subscription_error and tokens are "" then; times are seconds. checked tells
// whether that was within the hour, leased whether somebody holds the row.
func (d *Deployment) Rows() map[string]map[string]any {
	d.T.Helper()
	rows := map[string]map[string]any{}
	for _, row := range d.SQL(rowQuery) {
		rows[row["instagram_id"].(string)] = row
	}
	return rows
}

const rowQuery = `select c.user_id::text as user_id, c.instagram_id, c.page_id, c.page_name, c.username, c.name, c.picture_url,
		c.facebook_user_id, c.scopes, c.subscribed_fields, coalesce(c.subscription_error, '') as subscription_error,
		c.status, coalesce(c.status_reason, '') as status_reason, c.connected_at::text as connected_at,
		c.checked_at > now() - interval '1 hour' as checked, c.lease_id is not null as leased,
		extract(epoch from c.token_expires_at)::float8 as expires, extract(epoch from c.data_access_expires_at)::float8 as data_access,
		coalesce(t.token, '') as token, coalesce(t.page_token, '') as page_token
	from public.user_configs c left join lateral public.get_instagram_token(c.instagram_id) t on t.user_id = c.user_id`

// AskMeta sends the simulator a GET of the Graph API, as the operator would by hand: without the
// network and without our client. It reports whether Meta answered 200.
func (d *Deployment) AskMeta(path, token string, query url.Values, answer any) bool {
	d.T.Helper()
	asked := url.Values{"appsecret_proof": {Proof(token)}}
	maps.Copy(asked, query)
	request := httptest.NewRequestWithContext(d.T.Context(), http.MethodGet, "/v24.0"+path+"?"+asked.Encode(), nil)
	request.Header.Set("Authorization", "Bearer "+token)
	recorder := httptest.NewRecorder()
	d.Meta.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		return false
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), answer); err != nil {
		d.T.Fatal(err)
	}
	return true
}

// Proof is Meta's appsecret_proof for a token.
func Proof(token string) string {
	mac := hmac.New(sha256.New, []byte(AppSecret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// IsAlive reports whether Meta accepts a person's token.
func (d *Deployment) IsAlive(token string) bool {
	d.T.Helper()
	var answer struct {
		Data struct {
			IsValid bool `json:"is_valid"`
		}
	}
	return d.AskMeta("/debug_token", AppID+"|"+AppSecret, url.Values{"input_token": {token}}, &answer) && answer.Data.IsValid
}
