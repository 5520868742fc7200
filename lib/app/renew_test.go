package app

import (
	"fmt"
	"testing"

	"igconnect/lib/store"
)

// What hits most people of a batch without a reason is Meta's incident; what
// hits one person's many accounts, or has a reason, is not.
func TestSuspicious(t *testing.T) {
	batch := func(people, accountsEach, unexplained, explained int) []outcome {
		var all []outcome
		for i := range people {
			for j := range accountsEach {
				o := outcome{begun: true}
				o.result.Due = store.Due{FacebookUserID: fmt.Sprint("person ", i), InstagramID: fmt.Sprint(i, "/", j)}
				switch {
				case i < unexplained:
					o.end("Facebook ended the access.", false)
				case i < unexplained+explained:
					o.end("You changed your Facebook password.", true)
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
	doubted := batch(1, 1, 1, 0)[0]
	doubted.doubt()
	if doubted.err == nil || doubted.result.Status != "" || doubted.result.Checked {
		t.Errorf("%+v", doubted)
	}
}
