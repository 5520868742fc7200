package metasim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	testApp      = "1234567890"
	testSecret   = "not-a-real-secret"
	testRedirect = "http://localhost:3000/api/auth/callback"
	appAccess    = testApp + "|" + testSecret // the app's own token
)

var (
	start     = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	seedScope = "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata"
)

// rig is a Sim behind HTTP with a clock that only Jump moves.
type rig struct {
	*Sim
	t   *testing.T
	url string
}

func newRig(t *testing.T, people ...Person) *rig {
	r := &rig{t: t}
	now := func() time.Time { return start }
	redirects := []string{testRedirect, testRedirect + "?app=1"}
	r.Sim = New(Config{AppID: testApp, AppSecret: testSecret, RedirectURIs: redirects, Now: now})
	if people == nil {
		people = []Person{ada}
	}
	for _, p := range people {
		r.AddPerson(p)
	}
	r.url = serve(t, r.Sim)
	t.Cleanup(r.Close) // first: a hanging request would hold the server's Close up
	return r
}

// serve returns the URL of a server that lives as long as the test.
func serve(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// must returns value; an error, which no test expects there, ends all.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// ada has a Page with an account, one without, and one held by a business.
var ada = Person{ID: "501", Name: "Ada", Pages: []Page{
	{ID: "901", Name: "Ceramics", Instagram: &Instagram{"17841001", "ceramics", "Ceramics & Co"}},
	{ID: "902", Name: "Blog", Personal: &Instagram{"17841002", "ada", "Ada"}},
	{ID: "903", Name: "Books", Unlisted: true, Instagram: &Instagram{"17841003", "books", "Books"}},
}}

func proofOf(token, secret string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(token))
	return hex.EncodeToString(h.Sum(nil))
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
	return r.send(method, path, bearer, "application/x-www-form-urlencoded", form.Encode())
}

func (r *rig) send(method, path, bearer, contentType, text string) reply {
	req := must(http.NewRequest(method, r.url+path, strings.NewReader(text)))
	req.Header.Set("Content-Type", contentType)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res := must(client.Do(req))
	defer res.Body.Close()
	body := must(io.ReadAll(res.Body))
	out := reply{status: res.StatusCode, header: res.Header, body: string(body)}
	_ = json.Unmarshal(body, &out.json) // not every answer is an object
	return out
}

// call is do with the token's proof; params go into the query of a GET or
// DELETE, else into the form.
func (r *rig) call(method, path, token string, params ...string) reply {
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

// wantBody checks that the answer is 200 with this body.
func (a reply) wantBody(t *testing.T, body string) {
	t.Helper()
	if a.status != http.StatusOK || a.body != body {
		t.Errorf("got %d %s\nwant %s", a.status, a.body, body)
	}
}

// has checks members of the answer, by path: a value, the length of a list (as "#2"), or nil for
// none.
func (a reply) has(t *testing.T, pathsAndValues ...any) {
	t.Helper()
	for i := 0; i < len(pathsAndValues); i += 2 {
		path, want := pathsAndValues[i].(string), pathsAndValues[i+1]
		switch number := want.(type) {
		case int:
			want = float64(number)
		case int64:
			want = float64(number)
		}
		got := a.at(path)
		if list, ok := got.([]any); ok {
			got = fmt.Sprint("#", len(list))
		}
		if got != want {
			t.Errorf("%s is %v, want %v: %s", path, got, want, a.body)
		}
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
	back := must(r.Approve(r.t.Context(), r.dialogURL(pairs...), a))
	code := must(url.Parse(back)).Query().Get("code")
	if code == "" {
		r.t.Fatalf("no code in %s", back)
	}
	return code
}

// approve is Approve without its result.
func (r *rig) approve(a Approval, pairs ...string) error {
	_, err := r.Approve(r.t.Context(), r.dialogURL(pairs...), a)
	return err
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
	return r.token(r.oauth(exchangeForm(r.code(a, pairs...))))
}

func upgradeForm(token string) url.Values {
	return url.Values{"grant_type": {"fb_exchange_token"}, "client_id": {testApp}, "client_secret": {testSecret}, "fb_exchange_token": {token}}
}

// longToken walks the dialog, exchanges the code and upgrades.
func (r *rig) longToken(a Approval, pairs ...string) string {
	return r.token(r.oauth(upgradeForm(r.shortToken(a, pairs...))))
}

func (r *rig) token(a reply) string {
	token, _ := a.at("access_token").(string)
	if a.status != 200 || token == "" {
		panic(fmt.Sprintf("no token: %d %s", a.status, a.body))
	}
	return token
}

// pageToken reads the Page's token with the user's.
func (r *rig) pageToken(page, user string) string {
	return r.token(r.call("GET", "/"+page, user, "fields", "access_token"))
}

// pageTokenFor grants the scopes and reads the Page's token.
func (r *rig) pageTokenFor(page string, scopes ...string) string {
	return r.pageToken(page, r.Grant(Grant{Scopes: append(scopes, "pages_show_list")}))
}

// oauth posts to oauth/access_token.
func (r *rig) oauth(form url.Values) reply {
	return r.do("POST", "/v24.0/oauth/access_token", "", form)
}

// debug is debug_token's answer.
func (r *rig) debug(token string) reply {
	return r.do("GET", "/v24.0/debug_token?input_token="+url.QueryEscape(token), appAccess, nil)
}

func TestJump(t *testing.T) {
	r := newRig(t)
	code, long := r.code(Approval{}), r.Grant(Grant{})
	r.locked(func() { r.cfg.Now = func() time.Time { return start.Add(time.Minute) } }) // which still counts
	r.Jump(9 * time.Minute)
	if want := start.Add(10 * time.Minute); !r.Now().Equal(want) {
		t.Errorf("it is %v, want %v", r.Now(), want)
	}
	r.oauth(exchangeForm(code)).want(t, 400, 100, 36007, "expired")
	if got := r.call("GET", "/me", long); got.status != 200 || got.header.Get("Date") != "Sat, 14 Mar 2026 09:36:53 GMT" {
		t.Errorf("%d, Date %q", got.status, got.header.Get("Date"))
	}
	r.Jump(longLife)
	r.call("GET", "/me", long).want(t, 401, 190, 463, "The current time is Wednesday, 13-May-26 09:36:53 UTC.")

	r.debug(r.Grant(Grant{})).has(t, "data.issued_at", r.Now().Unix())

	unset := New(Config{})
	unset.Jump(time.Hour)
	if ahead := time.Until(unset.Now()); ahead < 59*time.Minute || ahead > time.Hour {
		t.Errorf("%v ahead of the machine", ahead)
	}
}

// 90 days after the consent the person is still known, but has no data for us;
// a new consent heals that, for the old tokens too.
func TestDataAccess(t *testing.T) {
	r := newRig(t)
	first := r.longToken(Approval{}, "scope", seedScope+",business_management,pages_messaging")
	page := r.pageToken("901", first)
	r.Jump(50 * 24 * time.Hour)
	long := r.token(r.oauth(upgradeForm(first))) // is no consent
	r.Jump(40*24*time.Hour - time.Second)
	r.call("GET", "/me/accounts", long).want(t, 200, 0, 0, "")
	r.Jump(time.Second)

	for _, c := range [][3]string{
		{"GET", "/me/accounts", long}, {"GET", "/901", long}, {"GET", "/me/businesses", long}, {"GET", "/901", page},
		{"GET", "/901/subscribed_apps", page}, {"POST", "/901/subscribed_apps", page},
		{"DELETE", "/901/subscribed_apps", page}, {"POST", "/901/messages", page},
	} {
		r.call(c[0], c[1], c[2]).want(t, 400, 190, 493, "longer than 90 days")
	}
	r.call("GET", "/me", long, "fields", "accounts").want(t, 400, 190, 493, "longer than 90 days")
	for _, token := range []string{long, page} {
		r.debug(token).has(t, "data.is_valid", true, "data.data_access_expires_at", r.Now().Unix())
	}
	r.call("GET", "/me", long).want(t, 200, 0, 0, "")
	r.call("GET", "/me/permissions", long).want(t, 200, 0, 0, "")
	r.token(r.oauth(upgradeForm(long)))

	r.code(Approval{})
	r.call("GET", "/me/accounts", long).want(t, 200, 0, 0, "")
	r.call("GET", "/901/subscribed_apps", page).want(t, 200, 0, 0, "")

	r.Jump(dataAccessLife)
	r.call("DELETE", "/me/permissions", r.shortToken(Approval{})).wantBody(t, "true")
}
