package metasim

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const maxBody = 1 << 20

// route names a request's step and what serves it: a page for people, or an endpoint of the Graph
// API.
type route struct {
	method, path, step string
	// check finds out who calls and refuses whom it must; nil lets everybody in.
	check func(*Sim, *call) error
	// endpoint returns a value to be written as JSON, or an *apiError. Exactly one of it and page
	// is set.
	endpoint func(*Sim, *call) (any, error)
	page     func(*Sim, *call) response
}

// routes stand below /vX.Y/ and are tried in order; a star is one segment, the id. A
// person's numeric id in place of "me" counts as step "page" where nothing follows it.
var routes = []route{
	{"GET", "dialog/oauth", "dialog", nil, nil, (*Sim).showDialog},
	{"POST", "dialog/oauth", "dialog", nil, nil, (*Sim).submitDialog},
	{"GET", "oauth/access_token", "exchange", (*Sim).checkAppSecret, (*Sim).exchange, nil},
	{"POST", "oauth/access_token", "exchange", (*Sim).checkAppSecret, (*Sim).exchange, nil},
	{"GET", "debug_token", "debug_token", (*Sim).checkAppToken, (*Sim).debugToken, nil},
	{"GET", "me", "me", (*Sim).checkToken, (*Sim).node, nil},
	{"GET", "*", "page", (*Sim).checkToken, (*Sim).node, nil},
	{"GET", "*/accounts", "accounts", (*Sim).checkSelf, (*Sim).accounts, nil},
	{"GET", "*/permissions", "permissions", (*Sim).checkSelf, (*Sim).permissions, nil},
	{"DELETE", "*/permissions", "revoke", (*Sim).checkSelf, (*Sim).revoke, nil},
	{"POST", "*/subscribed_apps", "subscribe", (*Sim).checkPageManager, (*Sim).subscribe, nil},
	{"GET", "*/subscribed_apps", "subscriptions", (*Sim).checkPageManager, (*Sim).subscribedApps, nil},
	{"DELETE", "*/subscribed_apps", "unsubscribe", (*Sim).checkPageManager, (*Sim).unsubscribe, nil},
	{"POST", "*/messages", "messages", (*Sim).checkPage, (*Sim).sendMessage, nil},
	{"GET", "*/subscriptions", "app_subscriptions", (*Sim).checkAppToken, (*Sim).listAppSubscriptions, nil},
	{"GET", "*/businesses", "businesses", (*Sim).checkBusinessUser, (*Sim).businesses, nil},
	{"GET", "*/owned_pages", "owned_pages", (*Sim).checkBusinessUser, (*Sim).businessPages, nil},
	{"GET", "*/client_pages", "client_pages", (*Sim).checkBusinessUser, (*Sim).businessPages, nil},
}

var (
	upgradeRoute = route{step: "upgrade", check: (*Sim).checkAppSecret, endpoint: (*Sim).upgrade}
	pictureRoute = route{step: "picture", page: (*Sim).picture}
	unknownRoute = route{step: "unknown", endpoint: (*Sim).unknownPath}
)

// graph reports whether the route belongs to the Graph API.
func (rt route) graph() bool { return rt.endpoint != nil }

// call is one request, read.
type call struct {
	r           *http.Request
	version     string // "v24.0"
	route       route
	id          string // the path's first segment below the version
	query, form url.Values
	tooLarge    bool

	now    time.Time
	record *Request
	fault  Fault // that applies

	// Set by the route's check: the caller.
	token   *token
	person  *Person  // nil with the app's own token
	consent *consent // nil: none
}

// readCall reads r whole, so that the server notices when its client goes away, and finds its
// route. The members of a JSON body are parameters, as the Graph API takes them; an object in it
// stays JSON text.
func readCall(w http.ResponseWriter, r *http.Request) *call {
	c := &call{r: r, query: r.URL.Query(), form: url.Values{}}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c.tooLarge = err != nil
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/x-www-form-urlencoded":
		c.form, _ = url.ParseQuery(string(body))
	case "application/json":
		var members map[string]textOrJSON
		_ = json.Unmarshal(body, &members)
		for name, text := range members {
			c.form.Set(name, string(text))
		}
	}
	c.findRoute()
	return c
}

// textOrJSON is a JSON string, or any other value as it is written.
type textOrJSON string

// UnmarshalJSON never fails on JSON.
func (t *textOrJSON) UnmarshalJSON(raw []byte) error {
	if raw[0] != '"' {
		*t = textOrJSON(raw)
		return nil
	}
	return json.Unmarshal(raw, (*string)(t))
}

var versioned = regexp.MustCompile(`^/(v\d+\.\d+)/(.*)$`)

// findRoute sets the call's version, route and id from its path.
func (c *call) findRoute() {
	c.route = unknownRoute
	if strings.HasPrefix(c.r.URL.Path, "/pictures/") && c.r.Method == http.MethodGet {
		c.route = pictureRoute
	}
	parts := versioned.FindStringSubmatch(c.r.URL.Path)
	if parts == nil {
		return
	}
	c.version = parts[1]
	c.id, _, _ = strings.Cut(parts[2], "/")
	for _, rt := range routes {
		if fits, _ := path.Match(rt.path, parts[2]); !fits || c.id == "" || rt.method != c.r.Method {
			continue
		}
		c.route = rt
		if rt.step == "exchange" && c.param("grant_type") == "fb_exchange_token" {
			c.route = upgradeRoute
		}
		return
	}
}

// param returns a parameter, the body's before the query's.
func (c *call) param(name string) string {
	if c.form.Has(name) {
		return c.form.Get(name)
	}
	return c.query.Get(name)
}

// origin is the Sim's own, as the client called it.
func (c *call) origin() string {
	if c.r.TLS != nil || strings.EqualFold(c.r.Header.Get("X-Forwarded-Proto"), "https") {
		return "https://" + c.r.Host
	}
	return "http://" + c.r.Host
}

// serve runs the call's route. The caller holds s.mu.
func (s *Sim) serve(c *call) response {
	if c.route.page != nil {
		return c.route.page(s, c)
	}
	if c.tooLarge {
		const message = "The request is too large."
		return c.refuse(&apiError{status: http.StatusRequestEntityTooLarge, Code: 1, Message: message})
	}
	if c.route.check != nil {
		if err := c.route.check(s, c); err != nil {
			return c.refuse(err)
		}
	}
	value, err := c.route.endpoint(s, c)
	if err != nil {
		return c.refuse(err)
	}
	return c.json(http.StatusOK, value, newTraceID())
}

func (s *Sim) unknownPath(c *call) (any, error) {
	return nil, errorf(2500, "Unknown path components: %s", c.r.URL.Path)
}

const jsonType = "application/json; charset=UTF-8"

// apiError is an error of the Graph API, as it is written into the envelope.
type apiError struct {
	Message   string `json:"message"`
	Type      string `json:"type"` // "": OAuthException
	Code      int    `json:"code"`
	Subcode   int    `json:"error_subcode,omitempty"`
	Transient bool   `json:"is_transient,omitempty"`
	TraceID   string `json:"fbtrace_id"` // set when it is answered

	status int // 0: follows from the code
}

type envelope struct {
	Error apiError `json:"error"`
}

// errorf makes an error without a subcode.
func errorf(code int, format string, args ...any) error {
	return &apiError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// methodError makes an error 100 of the type that Meta uses for a missing object or proof.
func methodError(subcode int, format string, args ...any) error {
	const kind = "GraphMethodException"
	return &apiError{Code: 100, Subcode: subcode, Type: kind, Message: fmt.Sprintf(format, args...)}
}

func (e *apiError) Error() string {
	return fmt.Sprintf("code %d subcode %d: %s", e.Code, e.Subcode, e.Message)
}

// httpStatus is 403 for the permission codes (10, 200 to 299) and else 400.
func (e *apiError) httpStatus() int {
	switch {
	case e.status != 0:
		return e.status
	case e.Code == 10, e.Code >= 200 && e.Code <= 299:
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// refuse answers with Meta's error envelope. It panics on what is not an *apiError: a bug of the
// Sim's.
func (c *call) refuse(err error) response {
	e := *err.(*apiError) // a copy: one error may answer several calls
	e.Type, e.TraceID = cmp.Or(e.Type, "OAuthException"), newTraceID()
	res := c.json(e.httpStatus(), envelope{e}, e.TraceID)
	if e.Code == 190 {
		res.header.Set("WWW-Authenticate", fmt.Sprintf(`OAuth "Facebook Platform" "invalid_token" %q`, e.Message))
	}
	return res
}

// json answers with value as JSON.
func (c *call) json(status int, value any, traceID string) response {
	res := newResponse(status, jsonType, encode(value))
	res.header.Set("X-Fb-Trace-Id", traceID)
	res.header.Set("Facebook-Api-Version", c.version)
	res.header.Set("Cache-Control", "private, no-cache, no-store, must-revalidate")
	return res
}

// encode writes JSON without escaping HTML. It panics on what is no JSON, which only a test's own
// [Event] can contain.
func encode(value any) []byte {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		panic(fmt.Sprintf("metasim: not JSON: %v", err))
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// response is a whole response, not yet sent.
type response struct {
	status int
	header http.Header
	body   []byte
}

func newResponse(status int, contentType string, body []byte) response {
	return response{status: status, header: http.Header{"Content-Type": {contentType}}, body: body}
}

func redirectTo(status int, url string) response {
	return response{status: status, header: http.Header{"Location": {url}}}
}

// send writes the response; with cut it declares the whole length, sends half and closes the
// connection.
func (res response) send(w http.ResponseWriter, cut bool) {
	for name, values := range res.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(res.body)))
	w.WriteHeader(res.status)
	if !cut {
		w.Write(res.body) // that the client may be gone is no concern of the Sim's
		return
	}
	w.Write(res.body[:len(res.body)/2])
	_ = http.NewResponseController(w).Flush() // or the half would never leave the server
	panic(http.ErrAbortHandler)
}

const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + digits
)

func newTraceID() string { return "A" + random(letters, 21) }

// random returns n random characters of the set.
func random(set string, n int) string {
	text := make([]byte, n)
	rand.Read(text)
	for i, b := range text {
		text[i] = set[int(b)%len(set)]
	}
	return string(text)
}
