package renew_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/lib/renew"
)

// One wrong answer of Meta's, given to all, stops nobody for good.
func TestNoMassReconnect(t *testing.T) {
	const n = 12
	d := deploy(t, deploytest.Brands(1, n)...)
	d.ConnectAgo(0)
	valid := func(rest string) *string {
		body := fmt.Sprintf(`{"data":{"app_id":"%s","user_id":"5001","is_valid":true,"expires_at":%d%s}}`,
			deploytest.AppID, time.Now().Add(50*oneDay).Unix(), rest)
		return &body
	}
	for name, fault := range map[string]metasim.Fault{
		"no scopes":                 {Step: "debug_token", Body: valid("")},
		"empty scopes":              {Step: "debug_token", Body: valid(`,"scopes":[]`)},
		"no app":                    {Step: "debug_token", Body: new(`{"data":{"is_valid":true,"scopes":["email"]}}`)},
		"invalid without a reason":  {Step: "debug_token", Body: new(`{"data":{"is_valid":false}}`)},
		"invalid for a passing one": {Step: "debug_token", Body: new(`{"data":{"is_valid":false,"error":{"code":2,"message":"later"}}}`)},
		"the Page's token, 190":     {Step: "subscriptions", Code: 190},
		"a passing 190":             {Step: "debug_token", Code: 190, Transient: true},
		"a 190 with HTTP 500":       {Step: "subscriptions", Code: 190, Subcode: 460, Status: 500},
		"HTML":                      {Step: "debug_token", Body: new("<html>")},
	} {
		d.MakeDue()
		d.Meta.ClearFaults()
		d.Meta.Inject(fault)
		if got := d.resultOf(d.Renew()); got.Reconnect != 0 {
			t.Errorf("%s: %+v", name, got)
		}
		d.wantAll(n, "active")
	}
	d.Meta.ClearFaults()
	d.MakeDue()
	d.wantRun(renew.Result{Checked: n})

	// A reason that Meta names counts, however many it hits.
	d.MakeDue()
	d.Meta.ChangePassword("5001")
	d.wantRun(renew.Result{Checked: n, Reconnect: n})
	d.wantAll(n, "reconnect")
}

// A text that the database refuses costs its own row at most.
func TestOddTextsAreStored(t *testing.T) {
	d := deploy(t, deploytest.Brands(1, 3)...)
	d.ConnectAgo(0)
	d.Meta.Inject(metasim.Fault{Step: "subscriptions", Code: 100, Message: "no\x00such\x1bfield"})
	if got := d.resultOf(d.Renew()); got.Checked != 3 {
		t.Errorf("%+v\n%s", got, d.Watch.Log())
	}
	d.wantAll(3, "active")
	if strings.Contains(d.Watch.Log(), `\u0000`) {
		t.Error("the log holds a NUL")
	}
}
