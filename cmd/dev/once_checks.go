package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"igconnect/internal/leaks"
	"igconnect/internal/metasim"
)

// checkRow reads the row as the database holds it.
func (w *walk) checkRow(ctx context.Context) error {
	rows, err := w.connections(ctx)
	if err == nil && len(rows) != 1 {
		err = fmt.Errorf("there are %d of them", len(rows))
	}
	if err != nil {
		return fmt.Errorf("reading the row: %w", err)
	}
	row := rows[0]
	w.report("the row in user_configs:")
	for _, column := range row.Columns() {
		fmt.Fprintf(w.out, "%12s%-24s %s\n", "", column, row.Show(column))
	}
	switch {
	case row["owner"] != w.user:
		return fmt.Errorf("the row is of the user %s, and not of %s", row.Show("owner"), w.user)
	case row["instagram_id"] != w.instagramID:
		return fmt.Errorf("the row is of another account than %s", w.instagramID)
	case row["token"] != nil || row["page_token"] != nil:
		return errors.New("the row holds a token in clear")
	case row["token_sealed"] == nil || row["page_token_sealed"] == nil:
		return errors.New("the row has no sealed token")
	}
	return nil
}

// checkLookUp asks for the token with each key there is: get_instagram_token gives it to
// service_role and to nobody else.
func (w *walk) checkLookUp(ctx context.Context) error {
	user, err := w.demoUser(ctx, demoUsers[0].Email)
	if err != nil {
		return err
	}
	for _, as := range []struct{ role, key, bearer string }{
		{"service_role", w.supabase.ServiceKey, ""}, {"anon", w.supabase.AnonKey, ""}, {"authenticated", w.supabase.AnonKey, user.AccessToken},
	} {
		status, body, err := w.postSupabase(ctx, "/rest/v1/rpc/get_instagram_token", as.key, as.bearer, map[string]string{"p_instagram_id": w.instagramID})
		var rows []struct{ Token string }
		_ = json.Unmarshal(body, &rows) // a refusal has none
		given := status == http.StatusOK && len(rows) == 1 && slices.Contains(w.meta.Secrets(), rows[0].Token)
		refused := status == http.StatusUnauthorized || status == http.StatusForbidden
		switch allowed := as.role == "service_role"; {
		case err != nil:
			return fmt.Errorf("looking the token up as %s: %w", as.role, err)
		case allowed && !given:
			return fmt.Errorf("get_instagram_token answered %s with %d and not with the token that Meta issued", as.role, status)
		case allowed:
			w.report("get_instagram_token as %s: %s… (%d characters), the one that Meta issued", as.role, rows[0].Token[:6], len(rows[0].Token))
		case !refused:
			return fmt.Errorf("get_instagram_token answered %s with %d", as.role, status)
		default:
			w.report("get_instagram_token as %s: refused with %d", as.role, status)
		}
	}
	return nil
}

// checkInbox lets somebody write to the account. The message comes five times at once, again after
// the database was down, lies in the inbox once, and is answered with the token that came with it.
func (w *walk) checkInbox(ctx context.Context) error {
	message := metasim.Message(senders[0].ID, w.instagramID, "Hello, are you open today?")
	w.mid = message.MID()
	form := messageForm{Account: w.instagramID, FiveTimes: true, FailFirst: true}
	rounds, err := w.deliver(ctx, w.deliveries(form, []metasim.Event{message}), form)
	if err != nil {
		return fmt.Errorf("delivering a message: %w", err)
	}
	if len(rounds) != 2 || rounds[0].Tally() != "5 × 503" || rounds[1].Tally() != "5 × 200" {
		return fmt.Errorf("delivering a message: %+v", rounds)
	}
	w.report("a message to the account, five times at once: %s while the database was down, then %s", rounds[0].Tally(), rounds[1].Tally())
	only, err := w.onlyEvent(ctx)
	if err != nil {
		return err
	}
	w.report("the inbox holds it once: %s, %q in %s, %s", only.Kind, only.Text, only.Conversation, only.State)
	if err := w.answerMessage(ctx); err != nil {
		return err
	}
	if only, err = w.onlyEvent(ctx); err == nil && only.State != "finished" {
		err = fmt.Errorf("the event is %+v after the answer", only)
	}
	return err
}

// onlyEvent returns the message of an inbox that holds one.
func (w *walk) onlyEvent(ctx context.Context) (event, error) {
	events, err := w.events(ctx)
	events = slices.DeleteFunc(events, func(e event) bool { return e.Kind == "connection" })
	if err == nil && len(events) != 1 {
		err = fmt.Errorf("it holds %d messages", len(events))
	}
	if err != nil {
		return event{}, fmt.Errorf("reading the inbox: %w", err)
	}
	return events[0], nil
}

// answerMessage has the worker of examples/ claim what tells of the connection, and the message, and answer this.
func (w *walk) answerMessage(ctx context.Context) error {
	answering, err := w.worker()
	if err != nil {
		return err
	}
	events, err := answering.Claim(ctx)
	if err != nil {
		return err
	}
	issued := w.meta.Secrets()
	if len(events) != 2 || events[0].Kind != "connection" {
		return fmt.Errorf("claiming the message and what tells of the connection: %d events came", len(events))
	}
	e := events[1]
	if !slices.Contains(issued, e.Token) || !slices.Contains(issued, e.PageToken) {
		return errors.New("claiming the message: it came not with the tokens that Meta issued")
	}
	w.report("claimed with its tokens: %s… (%d characters), of its Page %s…", e.Token[:6], len(e.Token), e.PageToken[:6])
	result, err := answering.Handle(ctx, events)
	if err := errors.Join(append(result.Failed, err)...); err != nil {
		return fmt.Errorf("answering the message: %w", err)
	}
	replies := w.meta.Replies()
	if len(replies) != 1 || replies[0].Token != e.PageToken || replies[0].Recipient != senders[0].ID {
		return errors.New("answering the message: Meta received something else")
	}
	w.report("answered: Meta received %q from Page %s with its token", replies[0].Text, replies[0].PageID)
	return nil
}

// output is one of a run: a table, a response, a cookie, a log.
type output struct {
	name    string
	content []byte
}

// checkLeaks searches everything that the run left behind for the secrets that went through it.
func (w *walk) checkLeaks(ctx context.Context, logs []byte) error {
	tables, err := w.supabase.Dump(ctx)
	if err != nil {
		return err
	}
	if _, err := w.supabase.SQL(ctx, "checkpoint"); err != nil {
		return fmt.Errorf("writing the database's files: %w", err)
	}
	files, err := databaseFiles(w.supabase.DataDir)
	if err != nil {
		return fmt.Errorf("reading the database's files: %w", err)
	}
	// A search of nothing finds nothing: what is no secret must be seen.
	log := string(logs)
	if len(leaking(map[string]string{"the account": w.instagramID}, files)) == 0 ||
		!strings.Contains(tables["public.user_configs"], w.instagramID) || !strings.Contains(log, w.instagramID) ||
		!strings.Contains(tables["public.instagram_events"], w.mid) || !strings.Contains(log, `"route":"webhook"`) {
		return errors.New("the search for secrets does not see the tables, their files or the logs")
	}
	outputs := append(slices.Clip(w.responses), output{"the logs", logs})
	for name, rows := range tables {
		outputs = append(outputs, output{"table " + name, []byte(rows)})
	}
	secrets := leaks.Numbered("of Meta's", w.meta.Secrets())
	if w.played != nil {
		issued := leaks.Numbered("of the app's", w.played.Secrets())
		if len(issued) == 0 {
			return errors.New("the app has signed nothing that could be searched for")
		}
		maps.Copy(secrets, issued)
	}
	secrets["the database's key"] = w.env.supabaseKey()
	for _, name := range []string{"FB_APP_SECRET", "WEBHOOK_VERIFY_TOKEN", "CRON_SECRET", "VOUCH_SECRET"} {
		if w.env[name] != "" { // VOUCH_SECRET, where there are no tickets
			secrets[name] = w.env[name]
		}
	}
	if found := leaking(secrets, append(outputs, files...)); len(found) > 0 {
		return fmt.Errorf("secrets stand in clear in %s", strings.Join(found, ", "))
	}
	w.report("none of %d secrets in %d tables, %d database files, %d responses, the cookies and %d bytes of logs",
		len(secrets), len(tables), len(files), len(w.responses), len(logs))
	return nil
}

// leaking returns the names of the outputs in which one of the secrets stands.
func leaking(secrets map[string]string, outputs []output) []string {
	search := leaks.NewSearch(secrets)
	var found []string
	for _, o := range outputs {
		if len(search.In(o.content)) > 0 {
			found = append(found, o.name)
		}
	}
	return found
}

// databaseFiles reads all files under dir: the heap, where a deleted row lives on, and the
// write-ahead log.
func databaseFiles(dir string) (found []output, err error) {
	files := os.DirFS(dir)
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		found = append(found, output{"database file " + name, content})
		return err
	})
	return found, err
}

// keptLog keeps what is written to it.
type keptLog struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

func (l *keptLog) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept.Write(text)
}

func (l *keptLog) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.kept.Bytes())
}
