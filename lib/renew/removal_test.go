package renew_test

import (
	"strings"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/faultproxy"
	"igconnect/lib/renew"
)

// An erasure that cannot go on stops no check, and the log says why it did not.
func TestRemovalFails(t *testing.T) {
	d := deploy(t, deploytest.Brands(1, 3)...)
	d.ConnectAgo(50)
	d.Faults.Order(faultproxy.Order{Call: faultproxy.Call{Name: "POST /rpc/delete_removed_events"}, Fault: badGateway(false)})
	d.wantRun(renew.Result{Checked: 3, Renewed: 3})
	d.wantWhole(3)
	if d.Faults.Hits() == 0 || !strings.Contains(d.Watch.Log(), "not_removed") {
		t.Errorf("%d faults\n%s", d.Faults.Hits(), d.Watch.Log())
	}
}
