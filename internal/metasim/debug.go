package metasim

import "errors"

// debugToken serves GET /debug_token.
func (s *Sim) debugToken(a access) (any, error) {
	if a.token.kind != appToken {
		return nil, errorf(100, "(#100) You must provide an app access token, or a user access token "+
			"that is an owner or developer of the app")
	}
	input := a.query.Get("input_token")
	if input == "" {
		return nil, errorf(100, "(#100) The parameter input_token is required.")
	}
	return object{"data": s.describeToken(a, s.tokens[input])}, nil
}

// describeToken is debug_token's view of t, which is nil for an unknown token.
func (s *Sim) describeToken(a access, t *token) object {
	if t == nil {
		return object{"is_valid": false, "scopes": []string{}, "error": debugError(errUnknownToken)}
	}
	o := object{
		"app_id": s.cfg.AppID, "type": t.kind, "application": "Simulated app", "user_id": t.person,
		"issued_at": t.issued.Unix(), "expires_at": 0, "is_valid": false, "scopes": []string{},
	}
	if !t.expires.IsZero() {
		o["expires_at"] = t.expires.Unix()
	}
	if t.kind == pageToken {
		o["profile_id"] = t.page
	}
	consent := s.consents[t.person]
	if consent != nil {
		o["data_access_expires_at"] = consent.dataAccessEnds().Unix()
	}
	if e := s.tokenError(t, a.now); e != nil {
		o["error"] = debugError(e)
		return o
	}
	o["is_valid"], o["scopes"] = true, consent.granted()
	if scopes := granularScopes(s.person(t.person), consent); len(scopes) > 0 {
		o["granular_scopes"] = scopes
	}
	return o
}

func debugError(err error) object {
	var e *apiError
	errors.As(err, &e)
	o := object{"code": e.Code, "message": e.Message}
	if e.Subcode != 0 {
		o["subcode"] = e.Subcode
	}
	return o
}

// granularScopes names, for each permission granted, the Pages or Instagram accounts it was
// granted for: those shared, whether /me/accounts lists them or not. Who shares all Pages, present
// and future, gets no target_ids.
func granularScopes(person *Person, consent *consent) []object {
	var scopes []object
	for _, name := range consent.granted() {
		p, _ := findPermission(name)
		if p.target == noTarget || person == nil {
			continue
		}
		scope := object{"scope": name}
		if ids := p.targetIDs(person, consent); len(ids) > 0 && !consent.all {
			scope["target_ids"] = ids
		}
		scopes = append(scopes, scope)
	}
	return scopes
}

func (p permission) targetIDs(person *Person, consent *consent) []string {
	var ids []string
	for _, page := range person.Pages {
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
