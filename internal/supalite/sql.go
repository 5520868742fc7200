package supalite

import (
	"context"
	"encoding/json"
	"fmt"
)

// SQL runs a query as superuser, beside everything that guards the data. With args it is one statement with $1, $2, …;
// without, it may be several, and the rows are those of the last.
//
// Values come as JSON has them: numbers as float64, timestamps as PostgreSQL writes them, json and jsonb decoded, bytea
// as \x and hex.
func (s *Server) SQL(ctx context.Context, query string, args ...any) ([]map[string]any, error) {
	out, err := s.post(ctx, "/supalite/sql", s.adminKey, map[string]any{"query": query, "args": args})
	if err != nil {
		return nil, fmt.Errorf("running SQL: %w", err)
	}
	var answer struct {
		Rows []map[string]any `json:"rows"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("running SQL: %w", err)
	}
	return answer.Rows, nil
}

// Dump returns all rows of all tables, of every schema but PostgreSQL's own, as text by "schema.table". A search in it
// shows what is stored in clear.
func (s *Server) Dump(ctx context.Context) (map[string]string, error) {
	tables, err := s.SQL(ctx, `
		select format('%I.%I', n.nspname, c.relname) as name
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
		order by 1`)
	if err != nil {
		return nil, fmt.Errorf("listing tables: %w", err)
	}
	dump := make(map[string]string, len(tables))
	for _, table := range tables {
		name := table["name"].(string)
		rows, err := s.SQL(ctx, "select coalesce(string_agg(t::text, E'\\n'), '') as rows from "+name+" t")
		if err != nil {
			return nil, fmt.Errorf("dumping %s: %w", name, err)
		}
		dump[name] = rows[0]["rows"].(string)
	}
	return dump, nil
}
