package metasim

import "errors"

// debugData is what debug_token says of a token.
type debugData struct {
	AppID               string          `json:"app_id,omitempty"`
	Type                tokenKind       `json:"type,omitempty"`
	Application         string          `json:"application,omitempty"`
	DataAccessExpiresAt *int64          `json:"data_access_expires_at,omitempty"`
	Error               *debugError     `json:"error,omitempty"`
	ExpiresAt           *int64          `json:"expires_at,omitempty"` // 0: never
	IsValid             bool            `json:"is_valid"`
	IssuedAt            int64           `json:"issued_at,omitempty"`
	ProfileID           string          `json:"profile_id,omitempty"` // of a Page token
	Scopes              []string        `json:"scopes"`
	GranularScopes      []granularScope `json:"granular_scopes,omitempty"`
	UserID              string          `json:"user_id,omitempty"`
}

type debugError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Subcode int    `json:"subcode,omitempty"`
}

type granularScope struct {
	Scope     string   `json:"scope"`
	TargetIDs []string `json:"target_ids,omitempty"`
}

// debugToken needs the app's own token.
func (s *Sim) debugToken(c *call) (any, error) {
	app, err := s.authorizeApp(c)
	if err != nil {
		return nil, err
	}
	if app.kind != appToken {
		return nil, &fault{code: 100, message: "(#100) You must provide an app access token, or a user access token that is an owner or developer of the app"}
	}
	input := c.query.Get("input_token")
	if input == "" {
		return nil, &fault{code: 100, message: "(#100) The parameter input_token is required."}
	}
	return map[string]any{"data": s.describe(c, s.tokens[input])}, nil
}

// describe is debug_token's view of t, which is nil for an unknown token.
func (s *Sim) describe(c *call, t *token) debugData {
	if t == nil {
		return debugData{Scopes: []string{}, Error: asDebugError(errUnknownToken)}
	}
	expires := int64(0)
	if !t.expires.IsZero() {
		expires = t.expires.Unix()
	}
	d := debugData{
		AppID: s.cfg.AppID, Type: t.kind, Application: "Simulated app",
		ExpiresAt: &expires, IssuedAt: t.issued.Unix(),
		ProfileID: t.page, UserID: t.person, Scopes: []string{},
	}
	consent := s.consents[t.person]
	if consent != nil {
		dataAccess := consent.dataAccessEnds().Unix()
		d.DataAccessExpiresAt = &dataAccess
	}
	if subcode := s.subcode(t, c.now); subcode != 0 {
		d.Error = asDebugError(s.tokenFault(t, subcode, c.now))
		return d
	}
	d.IsValid = true
	d.Scopes = consent.granted()
	d.GranularScopes = s.granularScopes(t.person, consent)
	return d
}

func asDebugError(err error) *debugError {
	var f *fault
	errors.As(err, &f)
	return &debugError{Code: f.code, Subcode: f.subcode, Message: f.message}
}

// granularScopes names, for each permission granted, the Pages or Instagram
// accounts it was granted for: those shared, whether /me/accounts lists them
// or not. Who shares all Pages, present and future, gets no target_ids.
func (s *Sim) granularScopes(personID string, consent *consent) []granularScope {
	person := s.person(personID)
	if person == nil || consent == nil {
		return nil
	}
	var scopes []granularScope
	for _, name := range consent.granted() {
		p, _ := findPermission(name)
		if p.target == noTarget {
			continue
		}
		g := granularScope{Scope: name}
		if !consent.all {
			g.TargetIDs = p.targets(person, consent)
		}
		scopes = append(scopes, g)
	}
	return scopes
}

func (p permission) targets(person *Person, consent *consent) []string {
	var ids []string
	for i := range person.Pages {
		page := &person.Pages[i]
		switch {
		case !consent.shares(page.ID):
		case p.target == pageTarget:
			ids = append(ids, page.ID)
		case page.Instagram != nil:
			ids = append(ids, page.Instagram.ID)
		}
	}
	return ids
}
