package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// env is the settings of the functions, by the names of environment variables. What the process
// itself has in its environment changes nothing.
type env map[string]string

// get is the value of a variable, as os.Getenv is.
func (e env) get(name string) string { return e[name] }

// realMeta and realSupabase tell whether e names the real services.
func (e env) realMeta() bool     { return e["FB_APP_ID"] != "" }
func (e env) realSupabase() bool { return e.supabaseURL() != "" }

func (e env) supabaseURL() string { return cmp.Or(e["SUPABASE_URL"], e["NEXT_PUBLIC_SUPABASE_URL"]) }
func (e env) supabaseKey() string {
	return cmp.Or(e["SUPABASE_SECRET_KEY"], e["SUPABASE_SERVICE_ROLE_KEY"])
}

// check refuses half a set of credentials: to simulate the service then would
// not be what was meant.
func (e env) check() error {
	if (e["FB_APP_ID"] == "") != (e["FB_APP_SECRET"] == "") {
		return errors.New("set FB_APP_ID and FB_APP_SECRET in .env to use the real Meta, or neither to simulate it")
	}
	if (e.supabaseURL() == "") != (e.supabaseKey() == "") {
		return errors.New("set SUPABASE_URL and SUPABASE_SECRET_KEY in .env to use a real project, or neither to run Supabase here")
	}
	return nil
}

var (
	assignment = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$`)
	quoted     = regexp.MustCompile(`^(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*(?:#.*)?$`)
	comment    = regexp.MustCompile(`(?:^|\s+)#.*$`)
	unescape   = strings.NewReplacer(`\n`, "\n", `\"`, `"`, `\\`, `\`, `\$`, `$`, "\\`", "`")
	escape     = strings.NewReplacer("\n", `\n`, `"`, `\"`, `\`, `\\`, `$`, `\$`, "`", "\\`")
	plain      = regexp.MustCompile(`^[A-Za-z0-9_./:@,+=-]*$`)
)

// parseEnv reads lines of KEY=VALUE, with an optional "export", in double
// quotes (with \n, \", \\, \$ and \`), single quotes or none, and comments. Errors name the line
// and never show it: it may hold a secret. Empty values are left out.
func parseEnv(text string) (env, error) {
	e := env{}
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		m := assignment.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("line %d of .env is not of the form NAME=value", i+1)
		}
		name, value := m[1], m[2]
		if value != "" && strings.ContainsRune(`"'`, rune(value[0])) {
			q := quoted.FindStringSubmatch(value)
			if q == nil {
				return nil, fmt.Errorf("line %d of .env has a quote that is not closed, or text after it", i+1)
			}
			value = unescape.Replace(q[1]) + q[2]
		} else {
			value = comment.ReplaceAllString(value, "")
		}
		if value != "" {
			e[name] = value
		}
	}
	return e, nil
}

// quote writes a value so that parseEnv, a shell and the readers of .env files of other languages
// read it back.
func quote(value string) string {
	switch {
	case plain.MatchString(value):
		return value
	case !strings.ContainsAny(value, "'\n"):
		return "'" + value + "'"
	}
	return `"` + escape.Replace(value) + `"`
}
