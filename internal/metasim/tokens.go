package metasim

import "time"

const longLife = 60 * 24 * time.Hour

type tokenKind string

const (
	userToken tokenKind = "USER"
	pageToken tokenKind = "PAGE"
	appToken  tokenKind = "APP"
)

// token is one that was handed out, or the app's own.
type token struct {
	value   string
	kind    tokenKind
	person  string // id
	page    string // id, of a Page token
	parent  *token // the user token that a Page token was fetched with
	long    bool   // a user token from an upgrade, not from a code
	issued  time.Time
	expires time.Time // zero: never
	ended   int       // the subcode of 190 that ended it; 0 while it lives
}

// hand makes t known and returns it with a value.
func (s *Sim) hand(t token) *token {
	if t.value == "" {
		t.value = "EAA" + randomText(176)
	}
	s.tokens[t.value] = &t
	s.keepSecret(t.value)
	return &t
}

// handShort hands out what a code is exchanged for: Meta's short tokens end on
// the full hour, one to two hours ahead.
func (s *Sim) handShort(person string, now time.Time) *token {
	return s.hand(token{kind: userToken, person: person, issued: now, expires: now.Truncate(time.Hour).Add(2 * time.Hour)})
}

// handLong hands out a 60-day token; its last minute is cut off, so that
// expires_in is no round number to rely on.
func (s *Sim) handLong(person string, now time.Time) *token {
	return s.hand(token{kind: userToken, person: person, issued: now, expires: now.Truncate(time.Minute).Add(longLife), long: true})
}

// handPage hands out the token of a Page, the same one each time for the same
// user token. It never expires if user is long-lived, and dies with it if not.
func (s *Sim) handPage(user *token, p *Page, now time.Time) *token {
	for _, t := range s.tokens {
		if t.kind == pageToken && t.page == p.ID && t.parent == user && (p.Token == "" || p.Token == t.value) {
			return t
		}
	}
	t := token{value: p.Token, kind: pageToken, person: user.person, page: p.ID, parent: user, issued: now}
	if !user.long {
		t.expires = user.expires
	}
	return s.hand(t)
}
