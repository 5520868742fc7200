package facebook_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// What Meta answers about a person with two Pages: 901 listed, 902 held by a
// business, so that only debug_token names it.
const (
	goodDebug = `{"data":{"app_id":"1234567890","type":"USER","application":"Test","data_access_expires_at":1790000000,` +
		`"expires_at":1780000000,"is_valid":true,"issued_at":1774000000,"scopes":["pages_show_list","instagram_basic"],` +
		`"granular_scopes":[{"scope":"pages_show_list","target_ids":["901","902"]},` +
		`{"scope":"instagram_basic","target_ids":["17841001"]},{"scope":"public_profile"}],"user_id":"501"}}`
	goodPerson      = `{"id":"501","name":"Ada"}`
	goodPermissions = `{"data":[{"permission":"pages_show_list","status":"granted"},{"permission":"instagram_basic","status":"granted"},` +
		`{"permission":"instagram_manage_messages","status":"declined"},{"permission":"pages_manage_metadata","status":"expired"}]}`
	page901 = `{"id":"901","name":"Ceramics","access_token":"token-901","tasks":["MODERATE","ADVERTISE"],` +
		`"instagram_business_account":{"id":"17841001","username":"ceramics","name":"Ceramics & Co","profile_picture_url":"https://cdn.test/1.jpg"}}`
	page902 = `{"id":902,"name":"Books","access_token":"token-902","tasks":["MESSAGING"],"instagram_business_account":{"id":17841002,"username":"books"}}`
	page903 = `{"id":"903","name":"Blog","access_token":"token-903"}`
)

// person answers as for that person, but for the changes.
func person(changes routes) routes {
	answers := routes{
		"GET /me":             says(goodPerson),
		"GET /me/permissions": says(goodPermissions),
		"GET /me/accounts":    says(list(page901)),
		"GET /debug_token":    says(goodDebug),
		"GET /902":            says(page902),
	}
	maps.Copy(answers, changes)
	return answers
}

// list is a list of Pages, the last one: with a cursor all the same.
func list(pages ...string) string {
	return fmt.Sprintf(`{"data":[%s],"paging":{"cursors":{"before":"b","after":"end"}}}`, strings.Join(pages, ","))
}

// listUpTo is a list that goes on after a cursor, with the next that Meta adds.
func listUpTo(cursor string, pages ...string) string {
	return fmt.Sprintf(`{"data":[%s],"paging":{"cursors":{"before":"b","after":%q},"next":"https://elsewhere.test/v24.0/me/accounts?access_token=foo_token&after=%[2]s"}}`,
		strings.Join(pages, ","), cursor)
}

// shares is debug_token's answer where the person shared those Pages.
func shares(ids ...string) http.HandlerFunc {
	return says(fmt.Sprintf(`{"data":{"app_id":"1234567890","is_valid":true,"granular_scopes":[{"scope":"pages_show_list","target_ids":[%s]}]}}`,
		strings.Join(ids, ",")))
}
