package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/identity"
	"igconnect/lib/secret"
)

// userToken is a user's JWT that the operator gave, with the settings on this machine by which it is
// judged.
type userToken struct {
	whole    secret.String
	settings *config.Config
	problems config.Problems
	now      func() time.Time
}

// readUserToken reads a token, and the settings as the deployment reads its own.
func readUserToken(from io.Reader, deployment string, getenv func(string) string) (*userToken, error) {
	const most = 64 << 10 // bytes
	text, err := io.ReadAll(io.LimitReader(from, most))
	if err != nil {
		return nil, fmt.Errorf("reading the token: %w", err)
	}
	whole := strings.TrimSpace(string(text))
	if whole == "" {
		return nil, errors.New("-token: there is nothing on standard input")
	}
	settings, problems := config.Load(func(name string) string {
		if name == "REDIRECT_URI" { // it says which origin is ours
			return cmp.Or(getenv(name), deployment+"/api/auth/callback")
		}
		return getenv(name)
	})
	return &userToken{secret.New(whole), settings, problems, time.Now}, nil
}

// judgeToken says whether the user's JWT counts and, if not, which setting would have to be another.
// The verdict is that of the code which is deployed; all else explains it.
func (d *doctor) judgeToken(ctx context.Context) []check {
	u := d.token
	if u == nil {
		return nil
	}
	t, ok := readToken(u.whole.Reveal())
	keys := identity.NewKeySet(u.settings.JWKSURL, u.now)
	if !ok {
		return []check{u.verdict(ctx, keys, t)} // which needs no key for that
	}
	checks := []check{note("it says", t.summary())}
	if u.settings.JWTIssuer == "" {
		const unset = "It is not set here. For this token: "
		issuer := unchecked("JWT_ISSUER", unset+cmp.Or(t.text("iss"), "none, for it has no iss"))
		return append(checks, issuer, unchecked("JWT_AUDIENCE", unset+audienceFor(t)))
	}
	checks = append(checks, algorithm(t), u.issuer(t), u.audience(t), u.lifetime(t))
	checks = slices.Concat(checks, u.party(t), status(t), user(t), u.cookie())
	if problem := u.problems.Among([]string{"JWT_JWKS_URL"}); problem != nil {
		checks = append(checks, wrong("JWT_JWKS_URL", problem.Error()+".",
			"Set it to the address of the issuer's key set."))
	}
	if u.settings.JWTAudience == "" || u.settings.JWKSURL == "" {
		return append(checks, unchecked(verdictName, "It is tried as soon as the settings are right."))
	}
	return append(checks, d.keySet(ctx, u, keys, t), u.verdict(ctx, keys, t))
}

// algorithm judges how the token is signed.
func algorithm(t token) check {
	const name, fix = "algorithm",
		"Let the issuer sign with RS256, ES256 or EdDSA, or use VOUCH_URL in its place (docs/users.md)."
	switch t.header["alg"] {
	case "ES256", "RS256", "EdDSA", "Ed25519":
		return passed(name)
	case "HS256", "HS384", "HS512":
		return wrong(name, "The token is signed with a secret of its issuer: nobody else can verify it.", fix)
	}
	return wrong(name, "The token is signed in a way that is not taken.", fix)
}

// issuer compares iss, byte for byte.
func (u *userToken) issuer(t token) check {
	const name = "JWT_ISSUER"
	is, want := t.text("iss"), u.settings.JWTIssuer
	switch {
	case is == want:
		return passed(name)
	case is == "":
		return wrong(name, "The token has no iss.",
			"Take a token of "+want+", or use VOUCH_URL (docs/users.md).")
	}
	problem := fmt.Sprintf("The token is of %q, and JWT_ISSUER is %q", is, want)
	switch {
	case is == want+"/":
		problem += ": the slash at the end is missing"
	case is+"/" == want:
		problem += ": the slash at the end is too much"
	case strings.EqualFold(is, want):
		problem += ": capital letters matter"
	}
	return wrong(name, problem+".", "If this issuer is yours, set JWT_ISSUER to "+is+", byte for byte.")
}

// audience looks for JWT_AUDIENCE in aud, or client_id where there is no aud.
func (u *userToken) audience(t token) check {
	const name = "JWT_AUDIENCE"
	_, bound := t.claims["aud"]
	want, client := u.settings.JWTAudience, t.text("client_id")
	var problem string
	switch {
	case want == "":
		problem = "It is not set here"
	case want == identity.NoAudience && bound:
		problem = "The token has an aud, and none is for tokens that have not"
	case want == identity.NoAudience, slices.Contains(t.audience(), want), !bound && client == want:
		return passed(name)
	case bound:
		problem = fmt.Sprintf("The token has %s, and JWT_AUDIENCE is %q", describe(t.claims, "aud"), want)
	case client != "":
		problem = fmt.Sprintf("The token has no aud, its client_id is %q, and JWT_AUDIENCE is %q", client, want)
	default:
		problem = "The token has no aud"
	}
	return wrong(name, problem+".", "If this token is of your app, set JWT_AUDIENCE to "+audienceFor(t)+".")
}

// audienceFor is what JWT_AUDIENCE would have to be for a token.
func audienceFor(t token) string {
	switch all := t.audience(); {
	case len(all) > 1:
		return "that one which names your app: " + strings.Join(all, " or ")
	case len(all) == 1:
		return all[0]
	}
	const none = identity.NoAudience + " (tokens of this issuer seem to have no aud; then all of them count)"
	return cmp.Or(t.text("client_id"), none)
}

// lifetime judges exp and nbf as of now.
func (u *userToken) lifetime(t token) check {
	const name = "exp"
	end, ends := t.date("exp")
	begin, begins := t.date("nbf")
	switch now := u.now(); {
	case !ends:
		return wrong(name, "The token has no exp, so it would count for good.", "Let the issuer set exp.")
	case !end.After(now.Add(-identity.Leeway)):
		return wrong(name, "The token ended at "+spoken(end)+". All else is judged as of then.", "Take a new token.")
	case begins && begin.After(now.Add(identity.Leeway)):
		return wrong(name, "The token begins at "+spoken(begin)+" (nbf).",
			"Wait, or compare the clocks of this machine and of the issuer.")
	}
	return passed(name)
}

func spoken(moment time.Time) string { return moment.UTC().Format(time.RFC3339) }

// party judges azp, where it is the origin of a page.
func (u *userToken) party(t token) []check {
	const name = "azp"
	origin := identity.PageOrigin(t.text(name))
	if origin == "" {
		return nil
	}
	if !slices.Contains(u.settings.AllowedOrigins, origin) {
		return []check{wrong(name,
			"The token was made for pages at "+origin+", which ALLOWED_ORIGINS here does not have.",
			"If they are your app's, add "+origin+" to ALLOWED_ORIGINS.")}
	}
	return []check{passed(name)}
}

// status judges Clerk's sts: while a step of the sign-in is left to do, nobody is signed in.
func status(t token) []check {
	if sts, there := t.claims["sts"]; there && sts != "active" && sts != "" {
		return []check{wrong("sts", "The session is not active yet.",
			"Sign in to the end, then take a new token.")}
	}
	return nil
}

// user judges sub, without showing it.
func user(t token) []check {
	const name = "sub"
	id, ok := t.claims[name].(string)
	if !ok {
		return []check{wrong(name, "The token has no sub that is a text: it does not say who the user is.",
			"Let the issuer put the user's id into sub, or use VOUCH_URL (docs/users.md).")}
	}
	if err := identity.ValidID(id); err != nil {
		return []check{wrong(name, "It can be no user's id: "+err.Error()+".",
			"Let the issuer put an id of 1 to 255 characters into sub.")}
	}
	return []check{passed(name)}
}

// cookie judges whether the token fits into JWT_COOKIE, where that is set.
// https://www.rfc-editor.org/rfc/rfc6265#section-6.1
func (u *userToken) cookie() []check {
	const most = 4096 // bytes of name and value that browsers keep
	const variable = "JWT_COOKIE"
	if problem := u.problems.Among([]string{variable}); problem != nil {
		return []check{wrong(variable, problem.Error()+".",
			"Set it to the name of the cookie that holds the token itself.")}
	}
	switch name := u.settings.JWTCookie; {
	case name == "":
		return nil
	case len(name)+len(u.whole.Reveal()) > most:
		return []check{wrong(variable, "No browser keeps a cookie as long as this token.",
			"Let the issuer say less in it, or post it as access_token (docs/users.md).")}
	}
	return []check{passed(variable)}
}

const verdictName = "all of it"

// verdict asks the code that is deployed. A token that has ended is tried as of its last second.
func (u *userToken) verdict(ctx context.Context, keys *identity.KeySet, t token) check {
	try := func(now time.Time) error {
		source := identity.JWT{
			Issuer: u.settings.JWTIssuer, Audience: u.settings.JWTAudience, Origins: u.settings.AllowedOrigins,
			Keys: keys, Now: func() time.Time { return now },
		}
		_, err := source.CurrentUser(ctx, identity.Credentials{Bearer: &u.whole})
		return err
	}
	err := try(u.now())
	end, ends := t.date("exp")
	late := errors.Is(err, identity.ErrSignedOut) && ends && end.Before(u.now())
	if late {
		err = try(end.Add(-time.Second))
	}
	switch {
	case err == nil && late:
		return note(verdictName, "It would have counted while it lasted.")
	case err == nil:
		return passed(verdictName)
	case !errors.Is(err, identity.ErrSignedOut):
		return unchecked(verdictName, "It takes the issuer's keys.")
	case strings.Count(u.whole.Reveal(), ".") == 4:
		return wrong(verdictName, "It is encrypted: only your app can read it.",
			"Use VOUCH_URL (docs/users.md), as for Auth.js.")
	}
	why := strings.TrimPrefix(err.Error(), identity.ErrSignedOut.Error()+": ")
	return wrong(verdictName, "It is refused: "+why+".",
		"Take a token whole, as the issuer gave it, and mend what is wrong above.")
}
