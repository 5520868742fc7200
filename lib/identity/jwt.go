package identity

import (
	"context"
	"net/http"
	"time"
)

// NoAudience is a [JWT.Audience]: tokens of the issuer carry none, as those of Clerk
// and WorkOS. One that does is refused then.
const NoAudience = "none"

// JWT knows the users of an app by the JSON Web Tokens of its own issuer.
type JWT struct {
	Issuer   string // the claim iss, byte for byte
	Audience string // one of the claim aud, or client_id where there is no aud; or [NoAudience]
	Cookie   string // the cookie that holds the token itself; "": none
	Origins  []string
	Keys     *KeySet
	Now      func() time.Time
}

// CurrentUser implements [Source].
func (j JWT) CurrentUser(context.Context, Credentials) (user string, err error) {
	return "", ErrSignedOut
}

// OnlyOthers implements [Source].
func (j JWT) OnlyOthers([]*http.Cookie, string) bool { return false }
