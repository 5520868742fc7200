package identity

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"igconnect/lib/secret"
)

// maxToken bounds a token, in bytes: a longer one is not even taken apart.
const maxToken = 8 << 10

// token is a JSON Web Token (RFC 7519) in the compact form of RFC 7515, read and not
// verified.
type token struct {
	header    object
	claims    claims
	signed    string // what the signature is of
	signature []byte
}

// readToken takes a token apart. golang-jwt's own parser would take the last of two
// members of one name, ignore crit, and quote the token in its errors. The header's jwk,
// jku, x5c and x5u, by which a token could bring its own key, are never looked at.
func readToken(text string) (t token, err error) {
	if len(text) > maxToken {
		return t, errors.New("it is longer than 8 KB")
	}
	if strings.Count(text, ".") != 2 {
		return t, errors.New("it has not three parts")
	}
	var parts [3][]byte
	for i, part := range strings.Split(text, ".") {
		if parts[i], err = decode(part); err != nil {
			return t, err
		}
	}
	if t.header, err = readObject(parts[0]); err != nil {
		return t, err
	}
	if t.claims.object, err = readObject(parts[1]); err != nil {
		return t, err
	}
	if _, ok := t.header["crit"]; ok { // RFC 7515, section 4.1.11
		return t, errors.New("it demands an extension (crit)")
	}
	t.signed, t.signature = text[:strings.LastIndexByte(text, '.')], parts[2]
	return t, nil
}

// decode reads base64url in the one spelling that it has: without padding, without
// ends of lines, which encoding/base64 skips, and without stray bits.
func decode(text string) ([]byte, error) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("it is not base64url")
	}
	return data, nil
}

// unverified reads what a token claims, which anybody can write. There are no claims
// where it can't be read.
func unverified(token secret.String) claims {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return claims{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}
	}
	members, _ := readObject(payload)
	return claims{members}
}

// ends is when a token says that it ends; the zero time where it doesn't.
func ends(token secret.String) time.Time {
	date, err := unverified(token).GetExpirationTime()
	if err != nil || date == nil {
		return time.Time{}
	}
	return date.Time
}
