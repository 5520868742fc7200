package web

import (
	"net/url"
	"slices"
	"strings"
)

// maxReturnTo bounds an address that has to fit into a sealed cookie.
const maxReturnTo = 512

// returnToAllowed reports whether people may be sent to an address afterwards: a
// path of our own, or an absolute URL of an allowed origin. It is read as a
// browser reads it, which takes \ for /, drops tabs and newlines, and knows other
// dots than ours: what could be read in two ways is refused.
// https://url.spec.whatwg.org/#url-parsing
func returnToAllowed(raw string, origins []string) bool {
	if len(raw) > maxReturnTo || strings.ContainsFunc(raw, unclear) {
		return false
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Opaque != "" {
		return false
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return false
	}
	address, _, _ := strings.Cut(raw, "#")
	address, _, _ = strings.Cut(address, "?")
	if strings.HasPrefix(raw, "/") {
		return u.Host == "" && !slashesFollow(withoutDots(address))
	}
	_, address, _ = strings.Cut(address, "://")
	if slash := strings.Index(address, "/"); slash >= 0 && slashesFollow(withoutDots(address[slash:])) {
		return false
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[scheme])
	return slices.Contains(origins, scheme+"://"+host)
}

// unclear reports whether a character is one that browsers drop, convert or
// escape.
func unclear(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\\"<>`", r) }

// withoutDots is an absolute path as browsers resolve it: without its segments . and
// .., which may be escaped. What is left of "/.//host" begins with two slashes.
// https://url.spec.whatwg.org/#path-state
func withoutDots(path string) string {
	segments, kept := strings.Split(path, "/")[1:], []string{""}
	for i, segment := range segments {
		dots := strings.ReplaceAll(strings.ToLower(segment), "%2e", ".")
		if dots == ".." && len(kept) > 1 {
			kept = kept[:len(kept)-1]
		}
		if dots != "." && dots != ".." {
			kept = append(kept, segment)
		} else if i == len(segments)-1 {
			kept = append(kept, "")
		}
	}
	return strings.Join(kept, "/")
}

// slashesFollow reports whether a path is "//host", or would be for whoever takes
// it out of its address, or decodes it once more.
func slashesFollow(path string) bool {
	rest := strings.ToLower(strings.TrimPrefix(path, "/"))
	return strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "%2f") || strings.HasPrefix(rest, "%5c")
}

// withResult adds what came of the login to an address that [returnToAllowed] let through,
// in the place of an earlier result.
func withResult(returnTo, name, value string) string {
	if returnTo == "" {
		returnTo = "/"
	}
	rest, fragment, hasFragment := strings.Cut(returnTo, "#")
	path, query, _ := strings.Cut(rest, "?")
	parameters := slices.DeleteFunc(strings.Split(query, "&"), func(parameter string) bool {
		key, _, _ := strings.Cut(parameter, "=")
		key, _ = url.QueryUnescape(key) // %63onnected is one as well; returnToAllowed has found it readable
		return key == "connected" || key == "error" || parameter == ""
	})
	address := path + "?" + strings.Join(append(parameters, name+"="+value), "&")
	if hasFragment {
		address += "#" + fragment
	}
	return address
}
