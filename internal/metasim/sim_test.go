package metasim

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	testApp      = "1234567890"
	testSecret   = "not-a-real-secret"
	testRedirect = "http://localhost:3000/api/auth/callback"
)

var (
	start     = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	seedScope = "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata"
)

// rig is a Sim behind HTTP with a clock that the test moves.
type rig struct {
	*Sim
	t     *testing.T
	url   string
	clock atomic.Int64 // nanoseconds since start
}

func newRig(t *testing.T, people ...Person) *rig {
	r := &rig{t: t}
	r.Sim = New(Config{
		AppID: testApp, AppSecret: testSecret, RedirectURIs: []string{testRedirect, testRedirect + "?app=1"},
		Now: func() time.Time { return start.Add(time.Duration(r.clock.Load())) },
	})
	if people == nil {
		people = []Person{ada}
	}
	for _, p := range people {
		r.AddPerson(p)
	}
	server := httptest.NewServer(r.Sim)
	t.Cleanup(server.Close)
	t.Cleanup(r.Close) // first: a hanging request would hold server.Close up
	r.url = server.URL
	return r
}

func (r *rig) pass(d time.Duration) { r.clock.Add(int64(d)) }

// ada has a Page with an account, one without, and one held by a business.
var ada = Person{ID: "501", Name: "Ada", Pages: []Page{
	{ID: "901", Name: "Ceramics", Instagram: &Instagram{"17841001", "ceramics", "Ceramics & Co"}},
	{ID: "902", Name: "Blog", Personal: &Instagram{"17841002", "ada", "Ada"}},
	{ID: "903", Name: "Books", Unlisted: true, Instagram: &Instagram{"17841003", "books", "Books"}},
}}

func proofOf(token, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// reply is an answer of the Sim.
type reply struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// do makes a request as it stands.
func (r *rig) do(method, path, bearer string, form url.Values) reply {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	out := reply{status: res.StatusCode, header: res.Header, body: string(body)}
	_ = json.Unmarshal(body, &out.json) // not every answer is an object
	return out
}

// call is do with the token's proof; params go into the query of a GET or
// DELETE, else into the form.
func (r *rig) call(method, path, token string, params ...string) reply {
	r.t.Helper()
	q := url.Values{"appsecret_proof": {proofOf(token, testSecret)}}
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	if method == "POST" {
		return r.do(method, "/v24.0"+path, token, q)
	}
	return r.do(method, "/v24.0"+path+"?"+q.Encode(), token, nil)
}

// want checks the status and, of an error, code, subcode and message.
func (a reply) want(t *testing.T, status, code, subcode int, message string) {
	t.Helper()
	var e envelope
	if err := json.Unmarshal([]byte(a.body), &e); code != 0 && err != nil {
		t.Fatalf("not an envelope: %s", a.body)
	}
	if a.status != status || e.Error.Code != code || e.Error.Subcode != subcode {
		t.Errorf("got %d, want status %d code %d subcode %d: %s", a.status, status, code, subcode, a.body)
	}
	if !strings.Contains(e.Error.Message, message) {
		t.Errorf("message %q, want %q in it", e.Error.Message, message)
	}
	if code != 0 && (e.Error.TraceID == "" || e.Error.TraceID != a.header.Get("X-Fb-Trace-Id")) {
		t.Errorf("fbtrace_id %q, header %q", e.Error.TraceID, a.header.Get("X-Fb-Trace-Id"))
	}
}

// at returns a member by its path, as in "data.0.id"; nil if there is none.
func (a reply) at(path string) any {
	var v any = a.json
	for _, name := range strings.Split(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[name]
		case []any:
			i := int(name[0] - '0')
			if i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

// dialogURL is the dialog's URL with the seed's scopes; pairs change it.
func (r *rig) dialogURL(pairs ...string) string {
	q := url.Values{
		"client_id": {testApp}, "redirect_uri": {testRedirect}, "state": {"s&t=1"},
		"response_type": {"code"}, "scope": {seedScope},
	}
	for i := 0; i < len(pairs); i += 2 {
		if q.Set(pairs[i], pairs[i+1]); pairs[i+1] == "-" {
			q.Del(pairs[i])
		}
	}
	return r.url + "/v24.0/dialog/oauth?" + q.Encode()
}

// code walks the dialog and returns the code.
func (r *rig) code(a Approval, pairs ...string) string {
	r.t.Helper()
	back, err := r.Approve(context.Background(), r.dialogURL(pairs...), a)
	if err != nil {
		r.t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil || u.Query().Get("code") == "" {
		r.t.Fatalf("no code in %s", back)
	}
	return u.Query().Get("code")
}

// exchangeForm is what exchanges the code; pairs change it.
func exchangeForm(code string, pairs ...string) url.Values {
	form := url.Values{"client_id": {testApp}, "client_secret": {testSecret}, "redirect_uri": {testRedirect}, "code": {code}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// shortToken walks the dialog and exchanges the code.
func (r *rig) shortToken(a Approval, pairs ...string) string {
	r.t.Helper()
	return r.token(r.do("POST", "/v24.0/oauth/access_token", "", exchangeForm(r.code(a, pairs...))))
}

func upgradeForm(token string) url.Values {
	return url.Values{"grant_type": {"fb_exchange_token"}, "client_id": {testApp}, "client_secret": {testSecret}, "fb_exchange_token": {token}}
}

// longToken walks the dialog, exchanges the code and upgrades.
func (r *rig) longToken(a Approval, pairs ...string) string {
	r.t.Helper()
	return r.token(r.do("POST", "/v24.0/oauth/access_token", "", upgradeForm(r.shortToken(a, pairs...))))
}

func (r *rig) token(a reply) string {
	r.t.Helper()
	token, _ := a.at("access_token").(string)
	if a.status != 200 || token == "" {
		r.t.Fatalf("no token: %d %s", a.status, a.body)
	}
	return token
}

// debug is debug_token's data.
func (r *rig) debug(token string) reply {
	r.t.Helper()
	return r.do("GET", "/v24.0/debug_token?input_token="+url.QueryEscape(token), testApp+"|"+testSecret, nil)
}
