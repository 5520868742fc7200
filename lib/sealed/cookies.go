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
	// ErrExpired says that a cookie is ours, but older than ten minutes.
	ErrExpired = errors.New("expired seal")
	// ErrTooLarge says that a value does not fit into a cookie.
	ErrTooLarge = errors.New("too large for a cookie")
)

// Cookies is one kind of sealed cookie, one cookie a flow, so that two tabs do
// not disturb each other. T is encoded as JSON.
type Cookies[T any] struct {
	Box    *Box
	Kind   string // part of the name
	Secure bool   // false only over http on localhost: then without the __Host- prefix
	Now    func() time.Time
}

// sealedValue is what a cookie holds.
type sealedValue[T any] struct {
	Issued int64 `json:"iat"` // Unix seconds
	Value  T     `json:"value"`
}

// Flow names a flow after its state, which it does not reveal.
func Flow(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:8])
}

// Set seals value for the flow and lets go of the oldest flows beyond four, or
// beyond what a header can take.
func (c Cookies[T]) Set(w http.ResponseWriter, r *http.Request, flow string, value T) error {
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
	http.SetCookie(w, cookie)

	others := slices.DeleteFunc(c.all(r), func(o found[T]) bool { return o.name == name })
	total := len(cookie.Value)
	for i, old := range others {
		if total += old.size; i >= keep-1 || total > maxTotal {
			http.SetCookie(w, c.cookie(old.name, "", -1))
		}
	}
	return nil
}

// Get opens the flow's cookie: ErrUnreadable where there is none or it is not
// ours, ErrExpired where the sealed time says so.
func (c Cookies[T]) Get(r *http.Request, flow string) (T, error) {
	cookie, err := r.Cookie(c.prefix() + flow)
	if err != nil {
		var none T
		return none, ErrUnreadable
	}
	opened, err := c.open(cookie)
	return opened.Value, err
}

// Newest opens the youngest cookie of this kind and names its flow.
func (c Cookies[T]) Newest(r *http.Request) (flow string, value T, err error) {
	for _, f := range c.all(r) {
		return strings.TrimPrefix(f.name, c.prefix()), f.opened.Value, f.err
	}
	return "", value, ErrUnreadable
}

// Clear removes the flow's cookie from the browser.
func (c Cookies[T]) Clear(w http.ResponseWriter, flow string) {
	http.SetCookie(w, c.cookie(c.prefix()+flow, "", -1))
}

type found[T any] struct {
	name   string
	size   int // bytes of the value
	opened sealedValue[T]
	err    error
}

// all returns the request's cookies of this kind, the youngest first, those
// that cannot be opened last.
func (c Cookies[T]) all(r *http.Request) []found[T] {
	var all []found[T]
	for _, cookie := range r.Cookies() {
		if strings.HasPrefix(cookie.Name, c.prefix()) {
			opened, err := c.open(cookie)
			all = append(all, found[T]{name: cookie.Name, size: len(cookie.Value), opened: opened, err: err})
		}
	}
	slices.SortStableFunc(all, func(a, b found[T]) int { return cmp.Compare(b.opened.Issued, a.opened.Issued) })
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
