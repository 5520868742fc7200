package metasim

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAppSecretProofVectors(t *testing.T) {
	for _, v := range []struct{ token, secret, proof string }{
		{"foo_token", "shhhhh!is.my.secret", "796ba0d8a6b339e476a7b166a9e8ac0a395f7de736dc37de5f2f4397f5854eb8"},
		{"test", "test", "88cd2108b5347d973cf39cdf9053d7dd42704876d8c9a9bd8e2d168259d3ddf7"},
	} {
		c := &call{query: url.Values{"appsecret_proof": {v.proof}}, token: &token{Value: v.token}}
		if err := New(Config{AppSecret: v.secret}).checkProof(c); err != nil {
			t.Errorf("%s: %v", v.token, err)
		}
	}
}

func TestAuthorization(t *testing.T) {
	r := newRig(t)
	token := r.Grant(Grant{})
	now := strconv.FormatInt(start.Unix(), 10)
	old := strconv.FormatInt(start.Add(-6*time.Minute).Unix(), 10)
	const missing, wrong = "API calls from the server require an appsecret_proof argument", "Invalid appsecret_proof provided in the API argument"
	for _, tt := range []struct {
		name, bearer string
		params       url.Values
		code         int
		message      string
	}{
		{"good", token, url.Values{"appsecret_proof": {proofOf(token, testSecret)}}, 0, ""},
		{"token as a parameter", "", url.Values{"access_token": {token}, "appsecret_proof": {proofOf(token, testSecret)}}, 0, ""},
		{"timed proof", token, url.Values{"appsecret_time": {now}, "appsecret_proof": {proofOf(token+"|"+now, testSecret)}}, 0, ""},
		{"old timed proof", token, url.Values{"appsecret_time": {old}, "appsecret_proof": {proofOf(token+"|"+old, testSecret)}}, 100, wrong},
		{"timed proof, junk time", token, url.Values{"appsecret_time": {"x"}, "appsecret_proof": {proofOf(token+"|x", testSecret)}}, 100, wrong},
		{"no proof", token, nil, 100, missing},
		{"empty proof", token, url.Values{"appsecret_proof": {""}}, 100, wrong},
		{"other secret's proof", token, url.Values{"appsecret_proof": {proofOf(token, "x")}}, 100, wrong},
		{"upper case proof", token, url.Values{"appsecret_proof": {strings.ToUpper(proofOf(token, testSecret))}}, 100, wrong},
		{"unknown token", "EAAx", url.Values{"appsecret_proof": {proofOf("EAAx", testSecret)}}, 190, "Invalid OAuth access token"},
		{"no token", "", nil, 2500, "An active access token must be used"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.do("GET", "/v24.0/me?"+tt.params.Encode(), tt.bearer, nil)
			a.want(t, map[bool]int{true: 200, false: 400}[tt.code == 0], tt.code, 0, tt.message)
			if a.header.Get("Content-Type") != "application/json; charset=UTF-8" || a.header.Get("Facebook-Api-Version") != "v24.0" {
				t.Errorf("headers %v", a.header)
			}
		})
	}
	r.do("GET", "/v24.0/901", "", nil).want(t, 400, 104, 0, "An access token is required")
	r.call("GET", "/me", appAccess).want(t, 400, 100, 33, "")
}

func TestUnknownPaths(t *testing.T) {
	r := newRig(t)
	token := r.Grant(Grant{})
	for _, path := range []string{"/me", "/v24/me", "/v24.0/me/friends", "/v24.0/", "/v24.0//accounts", "/"} {
		r.do("GET", path+"?appsecret_proof="+proofOf(token, testSecret), token, nil).want(t, 400, 2500, 0, "Unknown path components: "+path)
	}
	r.call("PUT", "/me", token).want(t, 400, 2500, 0, "")
	r.call("GET", "/77", token).want(t, 400, 100, 33, "Object with ID '77' does not exist")
	r.do("POST", "/v24.0/901/messages", token, url.Values{"x": {strings.Repeat("x", maxBody)}}).want(t, 413, 1, 0, "too large")
}

// Only what was asked for comes back, and the id.
func TestFields(t *testing.T) {
	r := newRig(t)
	all := r.Grant(Grant{Scopes: append([]string{"email"}, DefaultScopes...)})
	for _, tt := range []struct {
		path, fields string
		want         map[string]any
	}{
		{"/me", "", object{"id": "501", "name": "Ada"}},
		{"/me", "id", object{"id": "501"}},
		{"/501", "name", object{"id": "501", "name": "Ada"}},
		{"/901", "", object{"id": "901", "name": "Ceramics"}},
		{"/901", "instagram_business_account", object{"id": "901", "instagram_business_account": object{"id": "17841001"}}},
		{"/901", "instagram_business_account{username,name,profile_picture_url,ig_id}", object{"id": "901", "instagram_business_account": object{
			"id": "17841001", "username": "ceramics", "name": "Ceramics & Co", "profile_picture_url": r.url + "/pictures/17841001.svg", "ig_id": 1017841001}}},
		{"/902", "name,instagram_business_account{id},connected_instagram_account{username}",
			object{"id": "902", "name": "Blog", "connected_instagram_account": object{"id": "17841002", "username": "ada"}}},
		{"/903", "name", object{"id": "903", "name": "Books"}},
		{"/me", "accounts.limit(1){name}", object{"id": "501", "accounts": object{"data": []any{object{"id": "901", "name": "Ceramics"}}, "paging": "…"}}},
	} {
		t.Run(tt.path+" "+tt.fields, func(t *testing.T) {
			a := r.call("GET", tt.path, all, "fields", tt.fields)
			if accounts, ok := a.json["accounts"].(map[string]any); ok {
				accounts["paging"] = "…"
			}
			if diff := cmp.Diff(parse(string(encode(tt.want))), parse(string(encode(a.json)))); diff != "" {
				t.Errorf("%d (-want +got):\n%s", a.status, diff)
			}
		})
	}
}

func TestParamErrors(t *testing.T) {
	r := newRig(t)
	token := r.Grant(Grant{})
	for _, tt := range []struct {
		path, fields string
		code         int
		message      string
	}{
		{"/me", "shoe_size", 100, "nonexisting field (shoe_size) on node type (User)"},
		{"/901", "shoe_size", 100, "nonexisting field (shoe_size) on node type (Page)"},
		{"/me/accounts", "shoe_size", 100, "node type (Page)"},
		{"/902", "instagram_business_account{shoe_size}", 100, "node type (IGUser)"},
		{"/me", "id,", 2500, "Expected name instead of end of string"},
		{"/me", "id}", 2500, `Expected end of string instead of "}"`},
		{"/me", "accounts{id", 2500, "Expected } instead of end of string"},
		{"/me", "id,name,id", 2500, "Field id specified more than once"},
		{"/me", strings.Repeat("a{", 20), 2500, "nested too deeply"},
	} {
		t.Run(tt.fields, func(t *testing.T) {
			r.call("GET", tt.path, token, "fields", tt.fields).want(t, 400, tt.code, 0, tt.message)
		})
	}
	for _, pair := range [][2]string{{"limit", "x"}, {"limit", "0"}, {"limit", "-1"}, {"after", "!"}, {"after", "OTk5"}} {
		r.call("GET", "/me/accounts", token, pair[0], pair[1]).want(t, 400, 100, 0, "(#100)")
	}
}

// What was not granted or not shared is left out, without an error.
func TestConsentLimitsAccounts(t *testing.T) {
	const fields = "name,instagram_business_account{username},connected_instagram_account"
	for _, tt := range []struct {
		name  string
		grant Grant
		want  string
	}{
		{"everything", Grant{}, `{"data":[{"connected_instagram_account":{"id":"17841001"},"id":"901","instagram_business_account":{"id":"17841001","username":"ceramics"},"name":"Ceramics"},` +
			`{"connected_instagram_account":{"id":"17841002"},"id":"902","name":"Blog"}]`},
		{"one Page", Grant{Pages: []string{"902", "903"}}, `{"data":[{"connected_instagram_account":{"id":"17841002"},"id":"902","name":"Blog"}]`},
		{"no Page", Grant{Pages: []string{}}, `{"data":[]}`},
		{"no pages_show_list", Grant{Scopes: []string{"instagram_basic"}}, `{"data":[]}`},
		{"no instagram_basic", Grant{Scopes: []string{"pages_show_list"}, Pages: []string{"901"}}, `{"data":[{"id":"901","name":"Ceramics"}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			got, _, _ := strings.Cut(r.call("GET", "/me/accounts", r.Grant(tt.grant), "fields", fields).body, `,"paging"`)
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	r := newRig(t)
	r.call("GET", "/901", r.Grant(Grant{Pages: []string{"902"}})).want(t, 400, 100, 33, "missing permissions")
	r.call("GET", "/901", r.Grant(Grant{Scopes: []string{"email"}})).want(t, 400, 100, 33, "missing permissions")
}

// many is a person with n Pages.
func many(n int) Person {
	p := Person{ID: "700", Name: "Many"}
	for i := range n {
		p.Pages = append(p.Pages, Page{ID: fmt.Sprint(1000 + i), Name: fmt.Sprint("Page ", i)})
	}
	return p
}

// The cursors stand on every part, next only where more follows.
func TestCursors(t *testing.T) {
	for _, tt := range []struct {
		pages int
		limit string
		want  []int // sizes of the parts
	}{
		{250, "100", []int{100, 100, 50}},
		{250, "5000", []int{100, 100, 50}},
		{200, "100", []int{100, 100}},
		{30, "", []int{25, 5}},
		{0, "100", []int{0}},
	} {
		t.Run(fmt.Sprintf("%d by %s", tt.pages, tt.limit), func(t *testing.T) {
			r := newRig(t, many(tt.pages))
			token := r.Grant(Grant{})
			seen := map[any]bool{}
			var got []int
			for after, more := "", true; more; {
				a := r.call("GET", "/me/accounts", token, "fields", "id", "limit", tt.limit, "after", after)
				data := a.at("data").([]any)
				got = append(got, len(data))
				for _, page := range data {
					seen[page.(map[string]any)["id"]] = true
				}
				if after, _ = a.at("paging.cursors.after").(string); len(data) > 0 && after == "" {
					t.Errorf("no cursor: %s", a.body)
				}
				var next string
				next, more = a.at("paging.next").(string)
				if more && (!strings.HasPrefix(next, r.url+"/v24.0/700/accounts?") || !strings.Contains(next, token) || strings.Contains(next, "proof")) {
					t.Errorf("next is %s", next)
				}
			}
			if !slices.Equal(got, tt.want) || len(seen) != tt.pages {
				t.Errorf("parts %v, want %v; %d different Pages", got, tt.want, len(seen))
			}
		})
	}
	r := newRig(t, many(40)) // a nested list has a lower limit
	r.call("GET", "/me", r.Grant(Grant{}), "fields", "accounts.limit(40){id}").has(t, "accounts.data", "#25")
}

func TestPermissions(t *testing.T) {
	r := newRig(t)
	token := r.longToken(Approval{Decline: []string{"pages_manage_metadata"}})
	r.call("GET", "/me/permissions", token).wantBody(t, `{"data":[{"permission":"public_profile","status":"granted"},{"permission":"pages_show_list","status":"granted"},`+
		`{"permission":"pages_manage_metadata","status":"declined"},{"permission":"instagram_basic","status":"granted"},`+
		`{"permission":"instagram_manage_messages","status":"granted"}]}`)
}

func TestPageVariants(t *testing.T) {
	r := newRig(t, Person{ID: "501", Name: "Ada", Pages: []Page{
		{ID: "901", Name: "A", Token: "EAAfixed", Tasks: []string{"ANALYZE"}},
		{ID: "902", Name: "B", NoToken: true},
	}})
	a := r.call("GET", "/me/accounts", r.Grant(Grant{}))
	a.has(t, "data.0.access_token", "EAAfixed", "data.1.access_token", nil, "data.0.tasks", "#1", "data.1.tasks", "#6")
	r.call("GET", "/me", "EAAfixed", "fields", "access_token").want(t, 200, 0, 0, "")
	r.call("GET", "/902", "EAAfixed").want(t, 400, 100, 33, "")
}

func TestPictures(t *testing.T) {
	r := newRig(t)
	a := r.do("GET", "/pictures/17841001.svg", "", nil)
	if a.status != 200 || a.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(a.body, ">C</text>") {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, path := range []string{"/pictures/1.svg", "/pictures/17841001", "/pictures/"} {
		if a := r.do("GET", path, "", nil); a.status != 404 {
			t.Errorf("%s answers %d", path, a.status)
		}
	}
}

func FuzzFields(f *testing.F) {
	f.Add("id,name,accounts.limit(5){id,instagram_business_account{username}}")
	f.Add("a{b{c}},d")
	f.Add("{},")
	f.Fuzz(func(t *testing.T, text string) {
		fields, err := parseFields(text)
		if err == nil && text != "" && writeFields(fields) != text && !strings.Contains(text, "limit(0") {
			t.Errorf("%q is read as %q", text, writeFields(fields))
		}
	})
}

func writeFields(fields []field) string {
	var parts []string
	for _, f := range fields {
		text := f.name
		if f.limit > 0 {
			text += fmt.Sprintf(".limit(%d)", f.limit)
		}
		if f.sub != nil {
			text += "{" + writeFields(f.sub) + "}"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ",")
}
