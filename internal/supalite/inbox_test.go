package supalite_test

import (
	"testing"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

// TestInbox holds the functions of the inbox against design.md, on both databases that Lite runs on.
func TestInbox(t *testing.T) {
	t.Run("default", func(t *testing.T) { testInbox(t, supalitetest.Shared(t)) })
	t.Run("postgres", func(t *testing.T) { testInbox(t, startOnPostgres(t)) })
}

func testInbox(t *testing.T, s *supalite.Server) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *inbox)
	}{
		{"Row", testInboxRow},
		{"Times", testInboxTimes},
		{"Duplicates", testInboxDuplicates},
		{"Accounts", testInboxAccounts},
		{"EncodedTwice", testInboxEncodedTwice},
		{"NotEvents", testInboxNotEvents},
		{"Thousand", testInboxThousand},
		{"Order", testInboxOrder},
		{"Limit", testInboxLimit},
		{"Lease", testInboxLease},
		{"LeaseRunsOut", testInboxLeaseRunsOut},
		{"DeadlyEvent", testInboxDeadlyEvent},
		{"Fair", testInboxFair},
		{"Reconnect", testInboxReconnect},
		{"SecretGone", testInboxSecretGone},
		{"Bounds", testInboxBounds},
		{"Finish", testInboxFinish},
		{"FinishLate", testInboxFinishLate},
		{"Fail", testInboxFail},
		{"FailGivesBack", testInboxFailGivesBack},
		{"FailMiddle", testInboxFailMiddle},
		{"Dead", testInboxDead},
		{"Reason", testInboxReason},
		{"Earlier", testInboxEarlier},
		{"Disconnect", testInboxDisconnect},
		{"Retention", testInboxRetention},
		{"RetentionOfOpen", testInboxRetentionOfOpen},
		{"OwnEvents", testInboxOwnEvents},
		{"Access", testInboxAccess},
		{"Indexes", testInboxIndexes},
		{"Comments", testInboxComments},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := newInbox(t, &project{s})
			test.run(t, in)
			in.wantConsistent(t)
		})
	}
}
