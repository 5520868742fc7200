package graph_test

import "testing"

// FuzzUsage: whatever the headers say, the answer is a percentage, and it is
// the one of the fuller limit: one broken header hides nothing of the other.
func FuzzUsage(f *testing.F) {
	f.Fuzz(func(t *testing.T, app, business string) {
		both, ofApp, ofBusiness := usage(t, app, business), usage(t, app, ""), usage(t, "", business)
		if both < 0 || both > 1000 || both != max(ofApp, ofBusiness) {
			t.Errorf("%d, of the app alone %d, of the businesses alone %d", both, ofApp, ofBusiness)
		}
		if full := usage(t, `{"call_count":1000}`, business); full != 1000 {
			t.Errorf("%d with a full limit", full)
		}
		if ofApp > 0 && usage(t, "", `{"1":[`+app+`]}`) != ofApp {
			t.Errorf("as a business's it is not %d", ofApp)
		}
	})
}
