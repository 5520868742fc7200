package supalite_test

import (
	"testing"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

// TestLife holds the functions of a connection's life against design.md, on both databases that Lite runs on.
func TestLife(t *testing.T) {
	t.Run("default", func(t *testing.T) { testLife(t, supalitetest.Shared(t)) })
	t.Run("postgres", func(t *testing.T) { testLife(t, startOnPostgres(t)) })
}

func testLife(t *testing.T, s *supalite.Server) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *life)
	}{
		{"TokenVersion", testLifeTokenVersion},
		{"TokenEndsLease", testLifeTokenEndsLease},
		{"StatusSince", testLifeStatusSince},
		{"ClaimRow", testLifeClaimRow},
		{"ClaimOrder", testLifeClaimOrder},
		{"ClaimDue", testLifeClaimDue},
		{"ClaimLease", testLifeClaimLease},
		{"ClaimSecretGone", testLifeClaimSecretGone},
		{"ClaimBounds", testLifeClaimBounds},
		{"Release", testLifeRelease},
		{"SettleKeeps", testLifeSettleKeeps},
		{"SettleWrites", testLifeSettleWrites},
		{"SettleNulls", testLifeSettleNulls},
		{"SettleUnchecked", testLifeSettleUnchecked},
		{"SettleSeveral", testLifeSettleSeveral},
		{"SettleTokens", testLifeSettleTokens},
		{"SettleDestroys", testLifeSettleDestroys},
		{"SettleTooLate", testLifeSettleTooLate},
		{"SettleAfterPerson", testLifeSettleAfterPerson},
		{"SettleEncodedTwice", testLifeSettleEncodedTwice},
		{"SettleRefuses", testLifeSettleRefuses},
		{"Deauthorize", testLifeDeauthorize},
		{"DeauthorizeAgain", testLifeDeauthorizeAgain},
		{"DeauthorizeLate", testLifeDeauthorizeLate},
		{"DeauthorizeDuringRenewal", testLifeDeauthorizeDuringRenewal},
		{"Erase", testLifeErase},
		{"EraseAgain", testLifeEraseAgain},
		{"EraseNobody", testLifeEraseNobody},
		{"CallbacksRefuse", testLifeCallbacksRefuse},
		{"StoppedInbox", testLifeStoppedInbox},
		{"StatusWins", testLifeStatusWins},
		{"LearnsPerson", testLifeLearnsPerson},
		{"PageLinkedAnew", testLifePageLinkedAnew},
		{"OnePage", testLifeOnePage},
		{"OnePageRenewal", testLifeOnePageRenewal},
		{"OnePageRace", testLifeOnePageRace},
		{"Attention", testLifeAttention},
		{"SchemaVersion", testLifeSchemaVersion},
		{"ProbeVault", testLifeProbeVault},
		{"Access", testLifeAccess},
		{"Columns", testLifeColumns},
		{"Comments", testLifeComments},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLife(t, &project{s})
			test.run(t, l)
			l.wantSealed(t)
		})
	}
}
