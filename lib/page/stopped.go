package page

import "strings"

// Stopped is the user names, without @, of accounts that were connected and
// that the person's new grant no longer covers.
type Stopped []string

// Sentence names them all: "@a and @b were not shared this time and stopped."
func (s Stopped) Sentence() string {
	if len(s) == 0 {
		return ""
	}
	names := make([]string, len(s))
	for i, name := range s {
		names[i] = "@" + name
	}
	last := len(names) - 1
	if last == 0 {
		return names[0] + " was not shared this time and stopped."
	}
	return strings.Join(names[:last], ", ") + " and " + names[last] + " were not shared this time and stopped."
}
