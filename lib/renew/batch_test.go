package renew

import (
	"fmt"
	"testing"

	"igconnect/lib/store"
)

// What hits most people of a batch without a reason is Meta's incident; what hits one
// person's many accounts, or has a reason, is not.
func TestSuspicious(t *testing.T) {
	t.Parallel()
	batch := func(people, accountsEach, unexplained, explained int) []outcome {
		var all []outcome
		for i := range people {
			for j := range accountsEach {
				var o outcome
				o.begun = true
				o.checkup.FacebookUserID, o.checkup.InstagramID = store.Text(fmt.Sprint("person ", i)), fmt.Sprint(i, "/", j)
				switch {
				case i < unexplained:
					o.reconnect(whyDead(0))
				case i < unexplained+explained:
					o.reconnect(whyDead(460))
				}
				all = append(all, o)
			}
		}
		return all
	}
	for _, c := range []struct {
		name                                     string
		people, accounts, unexplained, explained int
		want                                     bool
	}{
		{"all well", 40, 1, 0, 0, false},
		{"most without a reason", 40, 1, 21, 0, true},
		{"half without a reason", 40, 1, 20, 0, false},
		{"most with a reason", 40, 1, 0, 40, false},
		{"few people", 9, 1, 9, 0, false},
		{"one person with many accounts", 1, 40, 1, 0, false},
		{"two of three people, many accounts", 3, 13, 2, 0, false},
	} {
		if got := suspicious(batch(c.people, c.accounts, c.unexplained, c.explained)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	taken := batch(1, 1, 1, 0)[0]
	taken.takeBack()
	if taken.err == nil || taken.checkup.Outcome != "" || taken.checkup.Done {
		t.Errorf("%+v", taken)
	}
}
