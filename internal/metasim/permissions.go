package metasim

type permissionStatus struct {
	Permission string `json:"permission"`
	Status     string `json:"status"`
}

// permissions serves GET /me/permissions: granted and declined, not what was
// never asked for.
func (s *Sim) permissions(c *call) (any, error) {
	v, _, err := s.userOf(c)
	if err != nil {
		return nil, err
	}
	data := []permissionStatus{}
	for _, p := range knownPermissions {
		if status, ok := v.consent.statusOf(p.name); ok {
			data = append(data, permissionStatus{p.name, status})
		}
	}
	return map[string]any{"data": data}, nil
}

// revoke serves DELETE /{user-id}/permissions: the app is removed, and all of
// the person's tokens for it end.
func (s *Sim) revoke(c *call) (any, error) {
	_, person, err := s.userOf(c)
	if err != nil {
		return nil, err
	}
	s.removeApp(person)
	return true, nil
}
