package metasim

import "strconv"

// addInstagram adds an account to o; without one, or without instagram_basic,
// Meta leaves the field out.
func (v view) addInstagram(o object, f field, ig *Instagram) error {
	account := object{}
	for _, sub := range append(names("id"), f.sub...) {
		value, err := v.instagramField(ig, sub.name)
		if err != nil {
			return err
		}
		account[sub.name] = value
	}
	if ig != nil && v.consent.has("instagram_basic") {
		o[f.name] = account
	}
	return nil
}

// instagramField returns a field of ig, which may be nil: an unknown name is
// refused all the same.
func (v view) instagramField(ig *Instagram, name string) (any, error) {
	if ig == nil {
		ig = &Instagram{}
	}
	switch name {
	case "id":
		return ig.ID, nil
	case "username":
		return ig.Username, nil
	case "name":
		return ig.Name, nil
	case "profile_picture_url":
		return v.base() + "/pictures/" + ig.ID + ".svg", nil
	case "ig_id":
		return legacyID(ig.ID), nil
	}
	return nil, noSuchField(name, "IGUser")
}

// legacyID makes up the account's old id: another number for the same account,
// and not the one that webhooks carry.
func legacyID(id string) int64 {
	n, _ := strconv.ParseInt(id, 10, 64)
	return n%9_000_000_000 + 1_000_000_000
}
