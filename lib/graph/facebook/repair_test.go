package facebook_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"igconnect/lib/graph"
	"igconnect/lib/secret"
)

// subscribedTo answers that the Page is subscribed to those fields for our app,
// and to others for another.
func subscribedTo(fields ...string) http.HandlerFunc {
	return says(`{"data":[{"id":"99","subscribed_fields":["x"]},{"id":` + appID + `,"subscribed_fields":["` + strings.Join(fields, `","`) + `"]}]}`)
}

// sentFields are the lists of fields that were sent, one a request.
func sentFields(m *meta) (sent []string) {
	for _, request := range m.Requests(subscribeLine) {
		sent = append(sent, request.Form.Get("subscribed_fields"))
	}
	return sent
}

// TestSubscribe: the whole list each time; where it is refused for a
// permission, the least field, and both are told.
func TestSubscribe(t *testing.T) {
	const all, least = "messages,messaging_postbacks", "feed"
	missing := refuses(200, 0, "(#200) To subscribe to the messages field, one of these permissions is needed: pages_messaging")
	for _, c := range []struct {
		name    string
		fields  []string
		answer  http.HandlerFunc
		sent    []string
		reached []string
		class   graph.Class
		code    int
	}{
		{"all", fields, yes, []string{all}, fields, ok, 0},
		{"the least", feed, yes, []string{least}, feed, ok, 0},
		{"after 500 once", fields, inTurn(down, yes), []string{all, all}, fields, ok, 0},
		{"a permission is missing", fields, inTurn(missing, yes), []string{all, least}, feed, graph.NoPermission, 200},
		{"code 10", fields, inTurn(refuses(10, 0, "(#10)"), yes), []string{all, least}, feed, graph.NoPermission, 10},
		{"missing, and the least needs two tries", fields, inTurn(missing, down, yes), []string{all, least, least}, feed, graph.NoPermission, 200},
		{"missing for the least too", fields, inTurn(missing, refuses(210, 0, "(#210) A page access token is required")), []string{all, least}, nil, graph.NoPermission, 200},
		{"missing, then not confirmed", fields, inTurn(missing, no), []string{all, least}, nil, graph.NoPermission, 200},
		{"missing, for the least", feed, missing, []string{least}, nil, graph.NoPermission, 200},
		{"an unknown field", fields, inTurn(refuses(100, 0, "(#100) Param subscribed_fields[0] must be one of {…}"), yes), []string{all, "messaging_postbacks"}, []string{"messaging_postbacks"}, graph.Rejected, 100},
		{"an unknown field, by its name", fields, inTurn(refuses(100, 0, `(#100) Param subscribed_fields[7] must be one of {MESSAGES, messages} - got "messaging_postbacks".`), yes),
			[]string{all, "messages"}, []string{"messages"}, graph.Rejected, 100},
		{"each unknown in turn", fields, inTurn(refuses(100, 0, `got "messages"`), refuses(100, 0, `got "messaging_postbacks"`)), []string{all, "messaging_postbacks"}, nil, graph.Rejected, 100},
		{"one needs a permission of its own", fields, inTurn(refuses(200, 0, "(#200) To subscribe to the messaging_postbacks field, one of these permissions is needed: pages_x"), yes),
			[]string{all, "messages"}, []string{"messages"}, graph.Rejected, 200},
		{"without a name: each by itself", fields, inTurn(refuses(100, 1929002, "Invalid parameter"), yes, refuses(100, 1929002, "Invalid parameter"), yes),
			[]string{all, "messages", "messaging_postbacks", "messages"}, []string{"messages"}, graph.Rejected, 100},
		{"a dead token", fields, inTurn(refuses(190, 492, "lost the role"), yes), []string{all}, nil, graph.TokenDead, 190},
		{"throttled", fields, inTurn(refuses(32, 0, "limit"), yes), []string{all}, nil, graph.Throttled, 32},
		{"not confirmed", fields, inTurn(no, yes), []string{all}, nil, graph.Rejected, 0},
		{"success is missing", fields, inTurn(says(`{}`), yes), []string{all}, nil, graph.Rejected, 0},
		{"down", fields, down, []string{all, all, all}, nil, graph.Unavailable, 0},
	} {
		run(t, c.name, routes{subscribeLine: c.answer}, func(t *testing.T, m *meta) {
			reached, err := m.Subscribe(t.Context(), ceramics(paged, c.fields))
			if failure := failureOf(t, err, c.class); failure.Code != c.code {
				t.Errorf("code %d, want %d", failure.Code, c.code)
			}
			if diff := cmp.Diff([][]string{c.reached, c.sent}, [][]string{reached, sentFields(m)}); diff != "" {
				t.Errorf("reached, and sent: %s", diff)
			}
		})
	}
}

// TestRepairSubscribes: the Page is subscribed again unless it is as wanted. Where
// the least is wanted, any subscription will do.
func TestRepairSubscribes(t *testing.T) {
	none, both := says(`{"data":[]}`), []string{"messages", "standby"}
	for _, c := range []struct {
		name       string
		subscribed http.HandlerFunc
		granted    []string
		sent       string // to subscribe anew; "" if nothing is sent
		want       []string
	}{
		{"the least", subscribedTo("feed"), nil, "", feed},
		{"more than the least", subscribedTo("messages", "standby"), nil, "", both},
		{"nothing, the least wanted", none, nil, "feed", feed},
		{"in another order", subscribedTo("standby", "messages"), messaging, "", []string{"standby", "messages"}},
		{"one is missing", subscribedTo("messages"), messaging, "messages,standby", both},
		{"one too many", subscribedTo("messages", "standby", "feed"), messaging, "messages,standby", both},
		{"nothing", none, messaging, "messages,standby", both},
		{"another app alone", says(`{"data":[{"id":"99","subscribed_fields":["messages","standby"]}]}`), messaging, "messages,standby", both},
		{"names that are none", subscribedTo("feed", "FEED", "a b"), nil, "", feed},
	} {
		run(t, c.name, routes{readLine: c.subscribed, subscribeLine: says("true"), "GET /901": says(page901)}, func(t *testing.T, m *meta) {
			m.WebhookFields = both
			repair, err := m.Repair(t.Context(), user, ceramics(paged, nil), c.granted)
			if diff := cmp.Diff(graph.Repair{Known: true, Fields: c.want}, repair, bySecret, notRead); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
			if sent := strings.Join(sentFields(m), " and "); sent != c.sent {
				t.Errorf("sent %q, want %q", sent, c.sent)
			}
		})
	}
}

// notRead leaves out what TestRepairLooks looks at.
var notRead = cmpopts.IgnoreFields(graph.Repair{}, "Read")

// TestRepair: a refusal is noted, a dead Page token replaced, and of the errors only
// a lost role ends the connection.
func TestRepair(t *testing.T) {
	var (
		none  = says(`{"data":[]}`)
		dead  = refuses(190, 460, "The session has been invalidated")
		role  = refuses(190, 492, "The user must be an administrator")
		fresh = secret.New("token-901")

		gone       = refuses(100, 33, "Unsupported get request.")
		unreadable = refuses(10, 0, "(#10)")
	)
	const plain graph.Class = -2 // the error is none of Meta's, so that it ends no connection
	short := strings.NewReplacer("GET /901 Bearer foo_token", "page", "GET /me/accounts Bearer foo_token", "list", readLine, "read",
		subscribeLine, "subscribe", "GET /901", "page", "Bearer page_token", "old", "Bearer token-901", "new")
	for _, c := range []struct {
		name    string
		answers routes
		want    graph.Repair
		class   graph.Class // or plain
		asked   string      // with the old token or the new one; "page" and "list" are with the person's
	}{
		{"an unknown field", routes{readLine: none, subscribeLine: refuses(100, 0, "(#100) Param")},
			graph.Repair{Known: true, Refused: "subscribing the Page: code 100: (#100) Param"}, ok, "read old, subscribe old, subscribe old, subscribe old, page old"},
		{"a permission is missing", routes{readLine: none, subscribeLine: inTurn(refuses(200, 0, "(#200)"), yes)},
			graph.Repair{Known: true, Fields: feed, Refused: "subscribing the Page: code 200: (#200)"}, ok, "read old, subscribe old, subscribe old, page old"},
		{"it may not be read", routes{readLine: refuses(10, 0, "(#10)")}, graph.Repair{Known: true, Refused: "reading the subscription: code 10: (#10)"}, ok, "read old, page old"},
		{"Meta is down", routes{readLine: down}, graph.Repair{}, graph.Unavailable, "read old, read old, read old"},
		{"throttled", routes{readLine: none, subscribeLine: refuses(32, 0, "limit")}, graph.Repair{}, graph.Throttled, "read old, subscribe old"},
		{"the role is lost", routes{readLine: role}, graph.Repair{}, graph.TokenDead, "read old"},

		{"a dead token", routes{readLine: inTurn(dead, none), "GET /901": says(page901), subscribeLine: yes},
			graph.Repair{Known: true, Token: fresh, Fields: fields}, ok, "read old, page, read new, subscribe new"},
		{"a dead token, and subscribed", routes{readLine: inTurn(dead, subscribedTo(fields...)), "GET /901": says(page901)},
			graph.Repair{Known: true, Token: fresh, Fields: fields}, ok, "read old, page, read new"},
		{"it dies between the two calls", routes{readLine: none, subscribeLine: inTurn(dead, yes), "GET /901": says(page901)},
			graph.Repair{Known: true, Token: fresh, Fields: fields}, ok, "read old, subscribe old, page, read new, subscribe new"},
		{"the new one is dead too", routes{readLine: dead, "GET /901": says(page901)}, graph.Repair{Token: fresh}, plain, "read old, page, read new"},
		{"the new one, and the role is lost", routes{readLine: inTurn(dead, role), "GET /901": says(page901)},
			graph.Repair{Token: fresh}, graph.TokenDead, "read old, page, read new"},
		{"the new one, and Meta is down", routes{readLine: inTurn(dead, down), "GET /901": says(page901)},
			graph.Repair{Token: fresh}, graph.Unavailable, "read old, page, read new, read new, read new"},
		{"no new one: the person's is dead", routes{readLine: dead, "GET /901": dead}, graph.Repair{}, plain, "read old, page"},
		{"no new one: refused", routes{readLine: dead, "GET /901": unreadable, pagesLine: says(list())},
			graph.Repair{Known: true, Refused: "reading a Page: code 10: (#10)"}, ok, "read old, page, list"},
		{"no new one by the id, but in the list", routes{readLine: inTurn(dead, none), "GET /901": unreadable, pagesLine: says(list(page903, page901)), subscribeLine: yes},
			graph.Repair{Known: true, Token: fresh, Fields: fields}, ok, "read old, page, list, read new, subscribe new"},
		{"no new one by the id, and the list is down", routes{readLine: dead, "GET /901": unreadable, pagesLine: down},
			graph.Repair{}, graph.Unavailable, "read old, page, list, list, list"},
		{"no new one: the Page is gone", routes{readLine: dead, "GET /901": gone, pagesLine: says(list())},
			graph.Repair{Lost: graph.LostPage}, ok, "read old, page, list"},
		{"no new one: the role gives none", routes{readLine: dead, "GET /901": says(tokenless)},
			graph.Repair{Lost: graph.LostPageToken}, ok, "read old, page"},
		{"no new one: another Page's", routes{readLine: dead, "GET /901": says(page903), pagesLine: says(list())},
			graph.Repair{Lost: graph.LostPage}, ok, "read old, page, list"},
	} {
		if c.answers["GET /901"] == nil {
			c.answers["GET /901"] = says(page901)
		}
		run(t, c.name, c.answers, func(t *testing.T, m *meta) {
			repair, err := m.Repair(t.Context(), user, ceramics(paged, nil), messaging)
			if c.class != plain {
				failureOf(t, err, c.class)
			} else if !strings.HasPrefix(fmt.Sprint(err), "using the Page's token: ") || errors.As(err, new(*graph.Error)) {
				t.Errorf("%T %v", err, err)
			}
			var asked []string
			for _, request := range m.Requests() {
				asked = append(asked, short.Replace(request.Line+" "+request.Authorization))
			}
			if diff := cmp.Diff(c.want, repair, bySecret, notRead); diff != "" || strings.Join(asked, ", ") != c.asked {
				t.Errorf("asked %q %s", asked, diff)
			}
		})
	}
}

// tokenless is a Page whose account is as ever, without a token.
const tokenless = `{"id":"901","name":"Ceramics","instagram_business_account":{"id":"17841001","username":"ceramics"}}`

// TestRepairLooks: what Meta shows of the Page and its account is taken as it is now;
// what makes the account useless is said; and what Meta refuses to show says nothing.
//
// The kinds come from public reports: a Page that lost its account or got another,
// Pages that are gone (100/33, 803), a field or pages_read_engagement that Meta
// refuses, accounts that are shown as connected only, Pages without a token.
func TestRepairLooks(t *testing.T) {
	const (
		basic     = "instagram_basic"
		renamed   = `{"id":"901","name":"Pottery","access_token":"token-901","instagram_business_account":{"id":17841001,"username":"pottery","name":"P","profile_picture_url":"https://cdn.test/2.jpg"}}`
		unlinked  = `{"id":"901","name":"Pottery","access_token":"token-901"}`
		another   = `{"id":"901","name":"Pottery","access_token":"token-901","instagram_business_account":{"id":"17841009","username":"other"}}`
		connected = `{"id":"901","name":"Pottery","access_token":"token-901","connected_instagram_account":{"id":"17841001"}}`
		nothing   = "-"
	)
	var (
		subscribed = subscribedTo("feed")
		gone       = refuses(100, 33, "Unsupported get request.")
		alias      = refuses(803, 0, "(#803) Some of the aliases you requested do not exist")
		field      = refuses(100, 0, "(#100) Tried accessing nonexisting field (tasks) on node type (Page)")
		unreadable = refuses(10, 0, "(#10) This endpoint requires the 'pages_read_engagement' permission")
	)
	for _, c := range []struct {
		name  string
		token secret.String // the Page's, that was saved
		page  http.HandlerFunc
		list  string // of the person's Pages
		lost  graph.Loss
		read  string // user name, name, picture, Page
		class graph.Class
	}{
		{"as ever", paged, says(page901), "", "", "ceramics Ceramics & Co https://cdn.test/1.jpg Ceramics", ok},
		{"renamed", paged, says(renamed), "", "", "pottery P https://cdn.test/2.jpg Pottery", ok},
		{"not linked any more", paged, says(unlinked), "", graph.LostAccount, "   Pottery", ok},
		{"another account", paged, says(another), "", graph.LostToAnother, "   Pottery", ok},
		{"shown as connected only", paged, says(connected), "", "", "   Pottery", ok},
		{"gone", paged, gone, "", graph.LostPage, nothing, ok},
		{"gone by another code", paged, alias, "", graph.LostPage, nothing, ok},
		{"gone for its token, there for the person", paged, inTurn(gone, says(page901)), "", "", "ceramics Ceramics & Co https://cdn.test/1.jpg Ceramics", ok},
		{"not readable with its token, gone for the person", paged, inTurn(unreadable, gone), "", "", nothing, ok},
		{"gone for its token, not readable for the person", paged, inTurn(gone, unreadable), "", "", nothing, ok},
		{"not readable with its token", paged, inTurn(unreadable, says(unlinked)), "", graph.LostAccount, "   Pottery", ok},
		{"not readable", paged, unreadable, "", "", nothing, ok},
		{"an unknown field", paged, field, "", "", nothing, ok},
		{"down", paged, down, "", "", nothing, graph.Unavailable},
		{"throttled", paged, refuses(4, 0, "limit"), "", "", nothing, graph.Throttled},
		{"an answer without the Page", paged, says(`{}`), "", graph.LostPage, nothing, ok},
		{"the role is lost", paged, refuses(190, 492, "must be an administrator"), "", "", nothing, graph.TokenDead},
		{"no token, and now there is one", secret.String{}, says(page901), "", "", "ceramics Ceramics & Co https://cdn.test/1.jpg Ceramics", ok},
		{"no token", secret.String{}, says(tokenless), "", graph.LostPageToken, "ceramics   Ceramics", ok},
		{"no token, and not linked any more", secret.String{}, says(unlinked), "", graph.LostAccount, "   Pottery", ok},
		{"no token, not readable, and in the list", secret.String{}, field, list(page901), "", "ceramics Ceramics & Co https://cdn.test/1.jpg Ceramics", ok},
		{"no token, not readable, and listed without one", secret.String{}, unreadable, list(tokenless), graph.LostPageToken, "ceramics   Ceramics", ok},
		{"no token, and gone", secret.String{}, gone, list(page903), graph.LostPage, nothing, ok},
	} {
		run(t, c.name, routes{readLine: subscribed, "GET /901": c.page, pagesLine: says(c.list)}, func(t *testing.T, m *meta) {
			repair, err := m.Repair(t.Context(), user, ceramics(c.token, nil), []string{basic})
			failureOf(t, err, c.class)
			read := nothing
			if a := repair.Read; a != nil {
				read = strings.Join([]string{a.Username, a.Name, a.PictureURL, a.Page.Name}, " ")
			}
			if repair.Lost != c.lost || read != c.read {
				t.Errorf("lost %q, read %q", repair.Lost, read)
			}
			if fresh := !repair.Token.Empty(); fresh != (c.token.Empty() && c.lost == "") {
				t.Errorf("a new token: %v", fresh)
			}
		})
	}
	run(t, "without instagram_basic Meta shows no account", routes{readLine: subscribed, "GET /901": says(unlinked)}, func(t *testing.T, m *meta) {
		if repair, err := m.Repair(t.Context(), user, ceramics(paged, nil), nil); err != nil || repair.Lost != "" || repair.Read.Page.Name != "Pottery" {
			t.Errorf("%+v, %v", repair, err)
		}
	})
}

// TestNothingToRepair: without a Page Meta is not asked, and nothing else that needs
// a Page leads anywhere.
func TestNothingToRepair(t *testing.T) {
	bare := ceramics(paged, feed)
	bare.Page = nil
	nameless := bare
	nameless.Page = &graph.Page{}
	run(t, "no Page", routes{}, func(t *testing.T, m *meta) { // the scripted Meta objects to any request
		for _, account := range []graph.Account{bare, nameless} {
			if repair, err := m.Repair(t.Context(), user, account, nil); err != nil || !cmp.Equal(repair, graph.Repair{}, bySecret) {
				t.Errorf("%+v: %+v, %v", account, repair, err)
			}
		}
		for _, account := range []graph.Account{bare, nameless} {
			_, err := m.Subscribe(t.Context(), account)
			failureOf(t, err, graph.Rejected)
		}
		failureOf(t, m.Unsubscribe(t.Context(), nameless), graph.Rejected)
		if err := m.Unsubscribe(t.Context(), bare); err != nil {
			t.Errorf("ending a subscription that never was: %v", err)
		}
	})
}
