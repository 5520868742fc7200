package graph_test

import (
	"net/http"
	"testing"

	"igconnect/lib/graph"
)

// FuzzUsage: whatever the headers say, the answer is a percentage, and it is
// the one of the fuller limit: one broken header hides nothing of the other.
func FuzzUsage(f *testing.F) {
	f.Fuzz(func(t *testing.T, app, business string) {
		usage := func(app, business string) int {
			return graph.Usage(http.Header{"X-App-Usage": {app}, "X-Business-Use-Case-Usage": {business}})
		}
		both, ofApp, ofBusiness := usage(app, business), usage(app, ""), usage("", business)
		if both < 0 || both > 1000 || both != max(ofApp, ofBusiness) {
			t.Errorf("%d, of the app alone %d, of the businesses alone %d", both, ofApp, ofBusiness)
		}
		if full := usage(`{"call_count":1000}`, business); full != 1000 {
			t.Errorf("%d with a full limit", full)
		}
		if ofApp > 0 && usage("", `{"1":[`+app+`]}`) != ofApp {
			t.Errorf("as a business's it is not %d", ofApp)
		}
	})
}
