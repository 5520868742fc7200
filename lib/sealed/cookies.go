package sealed

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// Lifetime is how long a flow may take.
	Lifetime = 10 * time.Minute

	keep     = 4    // flows that one browser may have open
	maxBytes = 4000 // browsers drop a cookie of more than 4,096 bytes, name and attributes included
	maxTotal = 5000 // for all flows of one kind: the platform refuses headers of more than 16 KB
)

var (
	// ErrExpired reports that a cookie is ours, but older than ten minutes.
	ErrExpired = errors.New("expired seal")
	// ErrTooLarge reports that a value does not fit into a cookie.
	ErrTooLarge = errors.New("too large for a cookie")
)

// Cookies is one kind of sealed cookie, one cookie a flow, so that two tabs do
// not disturb each other. T is encoded as JSON. All fields must be set.
type Cookies[T any] struct {
	Box    *Box
	Kind   string // part of the name
	Secure bool   // false only over http on localhost: then without the __Host- prefix
	Now    func() time.Time
}

type sealedValue[T any] struct {
	Issued int64 `json:"iat"` // Unix seconds
	Value  T     `json:"value"`
}

// Flow names a flow after its state, which it does not reveal.
func Flow(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:8])
}

// Set seals value for the flow and removes the oldest flows that the browser
// sent, beyond four or beyond what a header can take. [ErrTooLarge] says that
// value does not fit; nothing is changed then.
func (c Cookies[T]) Set(jar *Jar, flow string, value T) error {
	name := c.prefix() + flow
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false) // it would make six bytes of each & in an address
	if err := encoder.Encode(sealedValue[T]{Issued: c.Now().Unix(), Value: value}); err != nil {
		return fmt.Errorf("encoding the %s cookie: %w", c.Kind, err)
	}
	cookie := c.cookie(name, c.Box.Seal(name, plain.Bytes()), int(Lifetime.Seconds()))
	if len(cookie.String()) > maxBytes {
		return ErrTooLarge
	}
	jar.change(cookie)

	others := slices.DeleteFunc(c.all(jar), func(o sent[T]) bool { return o.Name == name })
	total := len(cookie.Value)
	for i, old := range others {
		if total += len(old.Value); i >= keep-1 || total > maxTotal {
			jar.change(c.cookie(old.Name, "", -1))
		}
	}
	return nil
}

// Get opens the flow's cookie: [ErrUnreadable] where there is none or it is not
// ours, [ErrExpired] where the sealed time says so.
func (c Cookies[T]) Get(jar *Jar, flow string) (value T, err error) {
	name := c.prefix() + flow
	i := slices.IndexFunc(jar.sent, func(cookie *http.Cookie) bool { return cookie.Name == name })
	if i < 0 {
		return value, ErrUnreadable
	}
	opened, err := c.open(jar.sent[i])
	return opened.Value, err
}

// Open opens the flow's cookie as [Cookies.Get] does, or where flow is empty the
// newest one, whose flow it names.
func (c Cookies[T]) Open(jar *Jar, flow string) (opened string, value T, err error) {
	if flow == "" {
		return c.Newest(jar)
	}
	value, err = c.Get(jar, flow)
	return flow, value, err
}

// Newest opens the youngest cookie of this kind and names its flow. Its errors
// are those of [Cookies.Get].
func (c Cookies[T]) Newest(jar *Jar) (flow string, value T, err error) {
	for _, s := range c.all(jar) {
		return strings.TrimPrefix(s.Name, c.prefix()), s.opened.Value, s.err
	}
	return "", value, ErrUnreadable
}

// Clear removes the flow's cookie from the browser.
func (c Cookies[T]) Clear(jar *Jar, flow string) {
	jar.change(c.cookie(c.prefix()+flow, "", -1))
}

type sent[T any] struct {
	*http.Cookie
	opened sealedValue[T]
	err    error
}

// all returns the cookies of this kind that the browser sent, the youngest
// first, those that cannot be opened last.
func (c Cookies[T]) all(jar *Jar) []sent[T] {
	var all []sent[T]
	for _, cookie := range jar.sent {
		if strings.HasPrefix(cookie.Name, c.prefix()) {
			opened, err := c.open(cookie)
			all = append(all, sent[T]{cookie, opened, err})
		}
	}
	slices.SortStableFunc(all, func(a, b sent[T]) int {
		return cmp.Compare(b.opened.Issued, a.opened.Issued)
	})
	return all
}

func (c Cookies[T]) open(cookie *http.Cookie) (opened sealedValue[T], err error) {
	plain, err := c.Box.Open(cookie.Name, cookie.Value)
	if err != nil {
		return opened, err
	}
	if err := json.Unmarshal(plain, &opened); err != nil {
		return opened, ErrUnreadable
	}
	if c.Now().Sub(time.Unix(opened.Issued, 0)) > Lifetime {
		return opened, ErrExpired
	}
	return opened, nil
}

func (c Cookies[T]) prefix() string {
	if c.Secure {
		return "__Host-igconnect_" + c.Kind + "_"
	}
	return "igconnect_" + c.Kind + "_"
}

func (c Cookies[T]) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: c.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// Jar is the cookies of one request: those that the browser sent, and the
// changes that the response must carry. With it a flow reads and writes cookies
// and needs no HTTP request. What was changed is not read back. A Jar is for
// one goroutine.
type Jar struct{ sent, changes []*http.Cookie }

// NewJar holds what the browser sent: [http.Request.Cookies].
func NewJar(sent []*http.Cookie) *Jar { return &Jar{sent: sent} }

// Changes returns the cookies to send back with [http.SetCookie], in the order
// in which they were changed last: one a name. A negative MaxAge removes one.
func (j *Jar) Changes() []*http.Cookie { return j.changes }

func (j *Jar) change(cookie *http.Cookie) {
	earlier := func(c *http.Cookie) bool { return c.Name == cookie.Name }
	j.changes = append(slices.DeleteFunc(j.changes, earlier), cookie)
}
