package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// object is a JSON object, each member as it was written. Names are compared exactly:
// encoding/json would take "SUB" for the field sub of a struct.
type object map[string]json.RawMessage

// readObject reads an object and nothing behind it. Two members of one name are an
// error: readers differ in which of them counts (RFC 8259, section 4).
func readObject(data []byte) (object, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if first, _ := decoder.Token(); first != json.Delim('{') || !json.Valid(data) {
		return nil, errors.New("a part of it is no JSON object")
	}
	members := object{}
	for decoder.More() {
		token, _ := decoder.Token() // no errors in valid JSON
		name, _ := token.(string)
		if _, twice := members[name]; twice {
			return nil, errors.New("two members have one name")
		}
		var value json.RawMessage
		_ = decoder.Decode(&value)
		members[name] = value
	}
	return members, nil
}

// text returns the member that is a text, byte for byte, and reports whether it is one.
func (o object) text(name string) (string, bool) { return textOf(o[name]) }

func textOf(raw json.RawMessage) (text string, ok bool) {
	ok = len(raw) > 0 && raw[0] == '"' && faithful(raw) && json.Unmarshal(raw, &text) == nil
	return text, ok
}

// faithful reports whether encoding/json reads a JSON text as it was written. It turns
// what is no UTF-8, and half of a surrogate pair, into U+FFFD, and two ids would be one.
func faithful(raw json.RawMessage) bool {
	first := false // the character before is the first half of a pair
	for i := 0; i < len(raw); i++ {
		var unit uint64
		if raw[i] == '\\' {
			if i++; raw[i] == 'u' {
				unit, _ = strconv.ParseUint(string(raw[i+1:i+5]), 16, 16)
				i += 4
			}
		}
		if second := unit >= 0xDC00 && unit < 0xE000; second != first {
			return false
		}
		first = unit >= 0xD800 && unit < 0xDC00
	}
	return utf8.Valid(raw)
}

// claims are what a token says. They implement [jwt.Claims] for golang-jwt's validator;
// errors name a claim, and hold nothing of its value.
type claims struct{ object }

// check validates exp, which must be there, nbf, and what the options say. The clocks of
// two machines may differ by ten seconds.
func (c claims) check(now func() time.Time, options ...jwt.ParserOption) error {
	options = append(options, jwt.WithExpirationRequired(), jwt.WithLeeway(Leeway), jwt.WithTimeFunc(now))
	return jwt.NewValidator(options...).Validate(c)
}

// Leeway is how much the clocks of two machines may differ.
const Leeway = 10 * time.Second

// user returns sub, which must be a text that can be a user's id.
func (c claims) user() (string, error) {
	user, ok := c.text("sub")
	if !ok {
		return "", errors.New("sub is no text")
	}
	return user, ValidID(user)
}

// GetExpirationTime returns exp.
func (c claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.date("exp") }

// GetNotBefore returns nbf.
func (c claims) GetNotBefore() (*jwt.NumericDate, error) { return c.date("nbf") }

// GetIssuedAt returns iat.
func (c claims) GetIssuedAt() (*jwt.NumericDate, error) { return c.date("iat") }

// GetIssuer returns iss, or an empty text where there is none.
func (c claims) GetIssuer() (string, error) { return c.optional("iss") }

// GetSubject returns sub, or an empty text where there is none.
func (c claims) GetSubject() (string, error) { return c.optional("sub") }

// GetAudience returns the texts of aud, which is a text or an array of texts.
func (c claims) GetAudience() (audience jwt.ClaimStrings, err error) {
	raw, ok := c.object["aud"]
	if !ok {
		return nil, nil
	}
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) != nil || all == nil {
		all = []json.RawMessage{raw}
	}
	for _, one := range all {
		text, ok := textOf(one)
		if !ok {
			return nil, errors.New("aud is neither a text nor an array of texts")
		}
		audience = append(audience, text)
	}
	return audience, nil
}

func (c claims) optional(name string) (string, error) {
	text, ok := c.text(name)
	if _, there := c.object[name]; there && !ok {
		return "", errors.New(name + " is no text")
	}
	return text, nil
}

// maxDate is the end of the year 9999, in Unix seconds. What is above is no time in seconds.
const maxDate = 253402300799

func (c claims) date(name string) (*jwt.NumericDate, error) {
	raw, ok := c.object[name]
	if !ok {
		return nil, nil
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds < 0 || seconds > maxDate {
		return nil, errors.New(name + " is no time in seconds")
	}
	return &jwt.NumericDate{Time: time.UnixMilli(int64(seconds * 1000))}, nil
}
