package connect_test

import (
	"net/http"
	"testing"

	"igconnect/internal/appsim"
	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

// Of a user who leaves nothing stays, whatever the app calls that user and in whichever of the two ways. What
// Meta still delivers is taken and belongs to nobody.
func TestLeave(t *testing.T) {
	const user = `saml|a/b,"x")%\1`
	for _, way := range []struct {
		name  string
		leave func(d deployment, app *appsim.App)
		steps string // at Meta
	}{
		{"by the app's server", func(d deployment, app *appsim.App) {
			got := d.Send("DELETE", "/api/accounts", map[string]string{"Authorization": "Bearer " + app.ServerTicket(user)}, "")
			if got.StatusCode != http.StatusNoContent {
				d.T.Errorf("%d %s: %s", got.StatusCode, got.Code(), got.Body)
			}
		}, "unsubscribe unsubscribe revoke"},
		{"by delete_user()", func(d deployment, _ *appsim.App) {
			if n := d.SQL("select public.delete_user($1) as n", user)[0]["n"]; n != 2.0 {
				d.T.Errorf("delete_user returned %v", n)
			}
		}, ""},
	} {
		t.Run(way.name, func(t *testing.T) {
			d := onLite(t, deploytest.Brands(1, 2)...)
			d.ConnectAll()
			// The same connections, of a user of another system.
			d.SQL(`insert into public.user_configs (user_id, instagram_id, facebook_user_id, page_id, token, page_token)
				select $1, instagram_id, c.facebook_user_id, page_id, t.token, t.page_token
				from public.user_configs c join lateral public.get_instagram_token(instagram_id) t using (user_id, instagram_id, page_id)`, user)
			d.SQL("delete from public.user_configs where user_id <> $1", user)
			d.deliver(deploytest.InstagramID(1), "hello")
			if n := d.count("public.instagram_events where user_id = $1 and kind = 'message'", user); n != 1 {
				t.Fatalf("%v messages", n)
			}
			app := &appsim.App{Igconnect: d.URL, Secret: "a-vouch-secret-that-nobody-may-see"}
			for name, value := range app.Settings("https://app.example") {
				d.Set(name, value)
			}
			d.Meta.Reset()

			way.leave(d, app)
			if steps := d.Steps(); steps != way.steps {
				t.Errorf("at Meta: %q, want %q\n%s", steps, way.steps, d.Watch.Log())
			}
			d.wantNothing()
			late := d.Meta.Delivery(deploytest.InstagramID(1), metasim.Message("56", deploytest.InstagramID(1), "still there?"))
			got := d.Send("POST", "/api/webhook", map[string]string{"X-Hub-Signature-256": d.Meta.Sign(late), "Content-Type": "application/json"}, string(late))
			if got.StatusCode != http.StatusOK {
				t.Errorf("a late delivery: %d %s", got.StatusCode, got.Body)
			}
			if n := d.count("public.instagram_events where kind <> 'connection'"); n != 0 {
				t.Errorf("%v messages are left", n)
			}
		})
	}
}
