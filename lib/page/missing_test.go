package page

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGroupsKeepEveryPageUnderItsVerdict(t *testing.T) {
	missing := Missing{Pages: []Verdict{
		{"A", "", Connected}, {"B", "", NoTask}, {"C", "", NoInstagram}, {"D", "", NoTask},
	}}
	got := map[string][]string{}
	var order []string
	for _, group := range missing.Groups() {
		order = append(order, group.Status)
		for _, verdict := range group.Pages {
			got[group.Status] = append(got[group.Status], verdict.PageName)
		}
	}
	want := map[string][]string{
		NoInstagram.Advice().Status: {"C"},
		NoTask.Advice().Status:      {"B", "D"},
		Connected.Advice().Status:   {"A"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if len(order) == 3 && order[2] != Connected.Advice().Status {
		t.Errorf("order %q: what is well comes last", order)
	}
}

func TestEveryVerdictSaysWhatToDo(t *testing.T) {
	seen := map[string]bool{}
	for kind := NoInstagram; kind <= Connected; kind++ {
		advice := kind.Advice()
		if advice.Status == "" || advice.Why == "" || seen[advice.Status] {
			t.Errorf("verdict %d: status %q, why %q; want both, and the status once", kind, advice.Status, advice.Why)
		}
		seen[advice.Status] = true
		if good := kind == Connected; advice.Good != good || (len(advice.Steps) == 0) != good {
			t.Errorf("verdict %d: good %v, %d steps", kind, advice.Good, len(advice.Steps))
		}
	}
}

func TestAPageWithoutNameHasALabel(t *testing.T) {
	for name, want := range map[string]string{"Aurora": "Aurora", "": "A Page without a name", " ": "A Page without a name"} {
		if got := (Verdict{PageName: name}).Label(); got != want {
			t.Errorf("Label of %q = %q, want %q", name, got, want)
		}
	}
}
