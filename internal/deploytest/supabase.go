package deploytest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// The users that the stand-in knows, by session tokens with the signature of [Session].
const (
	Ada = "00000000-0000-4000-8000-00000000000a"
	Ben = "00000000-0000-4000-8000-00000000000b"
)

// Supabase is as much of Supabase as the functions see: Auth's user endpoint and the table
// user_configs over REST. It knows nothing of the client.
type Supabase struct {
	mu       sync.Mutex
	table    map[string]map[string]any // by user_id/instagram_id
	inbox    Inbox
	deleted  []string // ids of users
	requests []SupabaseRequest
	faults   map[string][]http.HandlerFunc // by step; each serves one request
	always   map[string]http.HandlerFunc
	latency  time.Duration
	maxRows  int             // rows that an answer has at most; 0: all
	ended    <-chan struct{} // closed when the test ends
}

// SupabaseRequest is one request as it came, and when it was answered.
type SupabaseRequest struct {
	Step, Method, Query, Body string
	Header                    http.Header
	Start, End                time.Time
}

// SetLatency has every request wait so long.
func (s *Supabase) SetLatency(d time.Duration) { s.locked(func() { s.latency = d }) }

// SetMaxRows has every answer end after so many rows, as PostgREST's "max rows" does.
func (s *Supabase) SetMaxRows(n int) { s.locked(func() { s.maxRows = n }) }

// locked runs f while nobody else reads or changes the stand-in.
func (s *Supabase) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Fault has the next requests of a step ("user", "save", "patch", "list", "tokens", "delete",
// "ingest") answered by the given handlers, one each; nil: as usual.
func (s *Supabase) Fault(step string, handlers ...http.HandlerFunc) {
	s.locked(func() { s.faults[step] = append(s.faults[step], handlers...) })
}

// Break has every request of a step answered so, until nil mends it.
func (s *Supabase) Break(step string, handler http.HandlerFunc) {
	s.locked(func() { s.always[step] = handler })
}

// Pass serves a request of a step as usual: a fault ends with it that only happens beside one. Not
// for the steps that read a body.
func (s *Supabase) Pass(step string) http.HandlerFunc { return s.serve(step, nil) }

// Insert puts a row into the table, or in the place of the one with its keys.
func (s *Supabase) Insert(row map[string]any) { s.locked(func() { s.table[key(row)] = row }) }

func key(row map[string]any) string {
	return row["user_id"].(string) + "/" + row["instagram_id"].(string)
}

// Rows is the table, by user_id/instagram_id.
func (s *Supabase) Rows() map[string]map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table
}

// Requests are those that were answered.
func (s *Supabase) Requests() []SupabaseRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// steps are the steps by request.
var steps = map[string]string{
	"GET /auth/v1/user": "user", "GET /rest/v1/user_configs": "list", "POST /rest/v1/rpc/save_connections": "save",
	"PATCH /rest/v1/user_configs": "patch", "DELETE /rest/v1/user_configs": "delete",
	"POST /rest/v1/rpc/get_instagram_token": "tokens", "POST /rest/v1/rpc/ingest_instagram_events": "ingest",
}

func (s *Supabase) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start, step := time.Now(), steps[r.Method+" "+r.URL.Path]
	body, _ := io.ReadAll(r.Body)

	s.mu.Lock()
	serve, latency := s.always[step], s.latency
	if queue := s.faults[step]; len(queue) > 0 {
		serve, s.faults[step] = queue[0], queue[1:]
	}
	s.mu.Unlock()
	if serve == nil {
		serve = s.serve(step, body)
	}
	defer s.locked(func() {
		s.requests = append(s.requests, SupabaseRequest{step, r.Method, r.URL.RawQuery, string(body), r.Header.Clone(), start, time.Now()})
	})
	time.Sleep(latency)
	serve(w, r)
}

func (s *Supabase) serve(step string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if refuse := refusedKey(r.Header.Get("Apikey"), step); refuse != nil {
			refuse(w, r)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		query, object := r.URL.Query(), map[string]any{}
		_ = json.Unmarshal(body, &object)
		switch step {
		case "user":
			s.serveUser(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))(w, r)
		case "save":
			var arguments struct{ Connections []map[string]any }
			if err := json.Unmarshal(body, &arguments); err != nil {
				Reply(400, `{"code":"PGRST102","message":"Empty or invalid json"}`)(w, r)
				return
			}
			for _, row := range arguments.Connections {
				if user, _ := row["auth_user_id"].(string); user != "" && !s.knows(user) {
					Reply(409, `{"code":"23503","details":"Key (auth_user_id)=(`+user+`) is not present in table \"users\".","hint":null,`+
						`"message":"insert or update on table \"user_configs\" violates foreign key constraint \"user_configs_auth_user_id_fkey\""}`)(w, r)
					return
				}
			}
			others := maps.Clone(s.table)
			for _, row := range arguments.Connections {
				s.table[key(row)] = row
				maps.DeleteFunc(others, func(id string, other map[string]any) bool {
					return id == key(row) || other["facebook_user_id"] != row["facebook_user_id"] ||
						other["status"] == "reconnect" || other["page_id"] == nil
				})
			}
			encoded, _ := json.Marshal(slices.AppendSeq([]map[string]any{}, maps.Values(others)))
			Reply(200, string(encoded))(w, r)
		case "patch":
			for _, row := range s.selected(query) {
				maps.Copy(row, object)
			}
			w.WriteHeader(204)
		case "delete":
			for _, row := range s.selected(query) {
				delete(s.table, key(row))
			}
			w.WriteHeader(204)
		case "ingest":
			fresh, refusal := s.inbox.ingest(body)
			if refusal != nil {
				Reply(refusal.Status, `{"code":"`+refusal.Code+`","details":null,"hint":null,"message":"refused"}`)(w, r)
				return
			}
			Reply(200, strconv.Itoa(fresh))(w, r)
		case "list":
			rows := s.selected(query)
			for i, row := range rows {
				rows[i] = map[string]any{}
				for column := range strings.SplitSeq(query.Get("select"), ",") {
					rows[i][column] = row[column]
				}
			}
			s.replyRows(w, r, rows)
		case "tokens":
			s.replyRows(w, r, s.selected(url.Values{"instagram_id": {fmt.Sprint("eq.", object["p_instagram_id"])}}))
		default:
			Reply(404, `{"code":"PGRST125","message":"Invalid path"}`)(w, r)
		}
	}
}

// knows reports whether there is such a user in auth.users.
func (s *Supabase) knows(user string) bool {
	return (user == Ada || user == Ben) && !slices.Contains(s.deleted, user)
}

// DeleteUser deletes a user, and with it what hangs on it.
func (s *Supabase) DeleteUser(user string) {
	s.locked(func() {
		s.deleted = append(s.deleted, user)
		maps.DeleteFunc(s.table, func(_ string, row map[string]any) bool { return row["auth_user_id"] == user })
	})
}

// serveUser answers whose session a token is, with the refusals of Supabase Auth and in its order.
func (s *Supabase) serveUser(session string) http.HandlerFunc {
	var claims struct {
		Subject string `json:"sub"`
		Expires int64  `json:"exp"`
	}
	parts := strings.Split(session, ".")
	if len(parts) == 3 {
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(payload, &claims)
	}
	switch _, err := uuid.Parse(claims.Subject); {
	case len(parts) != 3 || parts[2] != signature:
		return Reply(403, `{"code":403,"error_code":"bad_jwt","msg":"invalid JWT: unable to parse or verify signature, token signature is invalid"}`)
	case claims.Expires <= time.Now().Unix():
		return Reply(403, `{"code":403,"error_code":"bad_jwt","msg":"invalid JWT: unable to parse or verify signature, token has invalid claims: token is expired"}`)
	case err != nil:
		return Reply(400, `{"code":400,"error_code":"bad_jwt","msg":"invalid claim: sub claim must be a UUID"}`)
	case !s.knows(claims.Subject):
		return Reply(403, `{"code":403,"error_code":"user_not_found","msg":"User from sub claim in JWT does not exist"}`)
	}
	return Reply(200, `{"id":"`+claims.Subject+`","aud":"authenticated","role":"authenticated"}`)
}

// refusedKey is how the hosted gateway answers where a key is missing or wrong. One for browsers
// gets through it: Auth takes that one, and PostgREST has the role anon then, which may do nothing.
func refusedKey(key, step string) http.HandlerFunc {
	switch {
	case key == SecretKey || key == BrowserKey && step == "user":
		return nil
	case key == BrowserKey:
		return Reply(401, `{"code":"42501","details":null,"hint":null,"message":"permission denied for table user_configs"}`)
	case key == "":
		return Reply(401, `{"message":"No API key found in request","hint":"No `+"`apikey`"+` request header or url param was found."}`)
	}
	return Reply(401, `{"message":"Invalid API key","hint":"Double check your Supabase API key."}`)
}

// selected are the rows that a query's filters select: those filters that the functions use, and no
// others.
func (s *Supabase) selected(query url.Values) []map[string]any {
	rows := []map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(s.table)) {
		row, fits := s.table[key], true
		for column := range query {
			switch filter := query.Get(column); column {
			case "select", "order", "offset", "limit":
			case "or":
				either := conditions(strings.TrimSuffix(strings.TrimPrefix(filter, "("), ")"))
				fits = fits && slices.ContainsFunc(either, func(part string) bool { return holds(row, part) })
			default:
				fits = fits && among(row[column], filter)
			}
		}
		if fits {
			rows = append(rows, row)
		}
	}
	return rows
}

// conditions splits a list at the commas that are neither in brackets nor in quotes.
func conditions(list string) (parts []string) {
	depth, begun, quoted := 0, 0, false
	for i := 0; i < len(list); i++ {
		switch letter := list[i]; {
		case letter == '"':
			quoted = !quoted
		case letter == '\\' && quoted:
			i++ // the next letter means itself
		case quoted:
		case letter == '(':
			depth++
		case letter == ')':
			depth--
		case letter == ',' && depth == 0:
			parts, begun = append(parts, list[begun:i]), i+1
		}
	}
	return append(parts, list[begun:])
}

// holds reports whether a condition, or all of and(…), holds for a row.
func holds(row map[string]any, condition string) bool {
	if all, ok := strings.CutPrefix(condition, "and("); ok {
		return !slices.ContainsFunc(conditions(strings.TrimSuffix(all, ")")), func(part string) bool { return !holds(row, part) })
	}
	column, filter, _ := strings.Cut(condition, ".")
	return among(row[column], filter)
}

// among reports whether a value passes eq.value, in.("a","b"), is.null or lt.time.
func among(value any, filter string) bool {
	text, _ := value.(string)
	operator, operand, _ := strings.Cut(filter, ".")
	switch operator {
	case "is":
		return value == nil
	case "lt":
		at, errAt := time.Parse(time.RFC3339, text)
		before, errBefore := time.Parse(time.RFC3339, operand)
		return errAt == nil && errBefore == nil && at.Before(before)
	case "eq":
		return text == operand
	}
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
	return slices.Contains(conditions(strings.TrimSuffix(strings.TrimPrefix(operand, "("), ")")), quoted)
}

// sortRows brings rows into a query's order: columns as column.asc.nullslast or column.desc.nullslast,
// by commas.
func sortRows(rows []map[string]any, order string) {
	slices.SortStableFunc(rows, func(a, b map[string]any) int {
		for by := range strings.SplitSeq(order, ",") {
			column, direction, _ := strings.Cut(by, ".")
			one, _ := a[column].(string)
			other, _ := b[column].(string)
			c := strings.Compare(one, other)
			if at, err := time.Parse(time.RFC3339, one); err == nil {
				than, _ := time.Parse(time.RFC3339, other)
				c = at.Compare(than)
			}
			if strings.HasPrefix(direction, "desc") || one == "" || other == "" { // null is last either way
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

// replyRows answers with the rows that are asked for, as many as one answer takes, and counts them
// all where that is asked for. Only then is an offset behind them refused.
func (s *Supabase) replyRows(w http.ResponseWriter, r *http.Request, rows []map[string]any) {
	query, total, status := r.URL.Query(), "*", http.StatusOK
	if strings.Contains(r.Header.Get("Prefer"), "count=exact") {
		total = strconv.Itoa(len(rows))
	}
	offset, _ := strconv.Atoi(query.Get("offset"))
	if offset > len(rows) && total != "*" {
		Reply(416, `{"code":"PGRST103","details":"An offset was requested, but there are not so many rows.","hint":null,`+
			`"message":"Requested range not satisfiable"}`)(w, r)
		return
	}
	sortRows(rows, query.Get("order"))
	page := rows[min(offset, len(rows)):]
	for _, limit := range []string{query.Get("limit"), strconv.Itoa(s.maxRows)} {
		if n, _ := strconv.Atoi(limit); n > 0 {
			page = page[:min(n, len(page))]
		}
	}
	if len(page) < len(rows) && total != "*" {
		status = http.StatusPartialContent
	}
	interval := "*"
	if len(page) > 0 {
		interval = fmt.Sprintf("%d-%d", offset, offset+len(page)-1)
	}
	w.Header().Set("Content-Range", interval+"/"+total)
	encoded, _ := json.Marshal(page)
	Reply(status, string(encoded))(w, r)
}

// Reply answers with a JSON text.
func Reply(status int, body string) http.HandlerFunc { return reply(status, "application/json", body) }

// HTML answers as a failing gateway does.
func HTML(status int) http.HandlerFunc {
	return reply(status, "text/html", "<html><h1>Bad gateway</h1></html>")
}

func reply(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Hang answers nothing until the client goes away or the test ends.
func (s *Supabase) Hang(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.ended:
	}
}
