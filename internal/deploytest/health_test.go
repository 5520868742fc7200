package deploytest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite/supalitetest"
	"igconnect/lib/health"
)

// A deployment on the project's own migrations is well, and with the publishable key in the place
// of the secret one it is not.
func TestHealthy(t *testing.T) {
	d := deployment{deploytest.New(t, deploytest.Options{Lite: supalitetest.Shared(t)})}
	d.Meta.SetAppSubscriptions(metasim.AppSubscription{
		Object: "instagram", CallbackURL: d.webhook(), Fields: []string{"messages", "messaging_postbacks"}, PlainFields: true,
	})
	asOperator := map[string]string{"Authorization": "Bearer " + deploytest.CronSecret}
	ask := func() (got deploytest.Answer, report health.Report) {
		got = d.Send("GET", "/api/health", asOperator, "")
		if err := json.Unmarshal([]byte(got.Body), &report); err != nil {
			t.Fatalf("%d %s", got.StatusCode, got.Body)
		}
		return got, report
	}
	if got, report := ask(); got.StatusCode != http.StatusOK || !report.OK {
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
	if left := d.SQL("select 1 from vault.secrets where name like 'igconnect/%'"); len(left) != 0 {
		t.Error("the probe of Vault is left")
	}
	d.Set("SUPABASE_SECRET_KEY", d.Lite.AnonKey)
	_, report := ask()
	refused := func(c health.Check) bool { return c.Name == "SUPABASE_SECRET_KEY" && !c.OK }
	if report.OK || !slices.ContainsFunc(report.Checks, refused) {
		t.Errorf("with the publishable key: %+v", report)
	}
}
