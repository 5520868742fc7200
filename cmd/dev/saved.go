package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// connection is a row of user_configs as the database holds it, with who connected it.
type connection map[string]any

// connections reads user_configs beside everything that guards it, and with each secret's id the
// beginning of what Vault keeps under it.
func (s *system) connections(ctx context.Context) (all []connection, err error) {
	rows, err := s.supabase.SQL(ctx, `
		select u.*, t.secret as token_sealed, p.secret as page_token_sealed, coalesce(a.email, u.user_id) as owner, (
			select string_agg(column_name::text, ' ' order by ordinal_position) from information_schema.columns
			where table_schema = 'public' and table_name = 'user_configs') as columns
		from public.user_configs u
		left join auth.users a on a.id = u.auth_user_id
		left join vault.secrets t on t.id = u.token_secret_id
		left join vault.secrets p on p.id = u.page_token_secret_id
		order by u.connected_at desc`)
	for _, row := range rows {
		all = append(all, row)
	}
	return all, err
}

// Accounts names each account that can be written to once, however many users connected it.
func (o overview) Accounts() []choice {
	var all []choice
	for _, row := range o.Connected {
		a := choice{row.Show("instagram_id"), "@" + row.Show("username")}
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// Columns are the names of the table's columns, in its order.
func (c connection) Columns() []string { return strings.Fields(c.Show("columns")) }

// Show returns a column as text.
func (c connection) Show(column string) string {
	text := "null"
	switch v := c[column].(type) {
	case nil:
	case []any:
		text = strings.Trim(fmt.Sprint(v), "[]")
	default:
		text = fmt.Sprint(v)
	}
	secret, isID := strings.CutSuffix(column, "_secret_id")
	if sealed, ok := c[secret+"_sealed"].(string); ok && isID {
		text += fmt.Sprintf(", where Vault keeps %.40s…", sealed) // the beginning of a ciphertext
	}
	return text
}

// Person is who approved it at Facebook: the name of one of the simulated people, else the id.
func (c connection) Person() string {
	if p, known := personOf(c.Show("facebook_user_id")); known {
		return p.Name
	}
	return c.Show("facebook_user_id")
}

// State is the status and, where there is one, the reason.
func (c connection) State() string {
	if reason, ok := c["status_reason"].(string); ok {
		return c.Show("status") + ": " + reason
	}
	return c.Show("status")
}

// Class is how the state looks: good or warn.
func (c connection) Class() string {
	if c["status"] == "active" {
		return "good"
	}
	return "warn"
}
