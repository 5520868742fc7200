package page

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGroupsKeepEveryPageUnderItsVerdict(t *testing.T) {
	t.Parallel()
	missing := Missing{Pages: []Verdict{
		{"A", "", Connected}, {"B", "", NoTask}, {"C", "", NoInstagram}, {"D", "", NoTask},
	}}
	var got []string
	for _, group := range missing.Groups() {
		got = append(got, group.Status)
		for _, verdict := range group.Pages {
			got = append(got, verdict.PageName)
		}
	}
	want := []string{
		NoInstagram.Advice().Status, "C", NoTask.Advice().Status, "B", "D",
		Connected.Advice().Status, "A", // what is well comes last
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups and their Pages (-want +got):\n%s", diff)
	}
}

func TestEveryVerdictSaysWhatToDo(t *testing.T) {
	t.Parallel()
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

func TestTitleAndLeadOfMissing(t *testing.T) {
	t.Parallel()
	const permission, account = "A permission is missing", "Why is my account not here?"
	required, optional := Permissions([]string{"pages_show_list"}), Permissions([]string{"business_management"})
	bare := []Verdict{{"A", "", NoInstagram}}
	halfWay, well := []Verdict{{"A", "a", NoTask}}, []Verdict{{"A", "", NoInstagram}, {"B", "b", Connected}}
	for name, tt := range map[string]struct {
		missing     Missing
		title, lead string
	}{
		"no Page":                     {Missing{}, account, "no Facebook Page at all"},
		"a Page without Instagram":    {Missing{Pages: bare}, account, "one Facebook Page, but"},
		"a required permission":       {Missing{Declined: required}, permission, "so we stopped"},
		"an optional permission":      {Missing{Declined: optional}, account, "no Facebook Page at all"},
		"both":                        {Missing{Declined: append(optional, required...)}, permission, "so we stopped"},
		"a required one, and a Page":  {Missing{Declined: required, Pages: bare}, account, "so we stopped"},
		"an optional one, and a Page": {Missing{Declined: optional, Pages: bare}, account, "one Facebook Page, but"},
		"saved, and works not fully":  {Missing{Saved: true, Pages: halfWay}, account, "does not work fully yet"},
		"saved, and another is well":  {Missing{Saved: true, Pages: well}, account, "Some of your accounts are connected"},
		"one is well":                 {Missing{Pages: well}, account, "Some of your accounts are connected"},
	} {
		body := draw(t, tt.missing)
		if want := "<h1>" + tt.title + "</h1>"; !strings.Contains(body, want) {
			t.Errorf("%s: the page lacks %q", name, want)
		}
		_, lead, _ := strings.Cut(body, `class="lead">`)
		if lead, _, _ = strings.Cut(lead, "</p>"); !strings.Contains(lead, tt.lead) {
			t.Errorf("%s: the lead %q does not say %q", name, lead, tt.lead)
		}
	}
}

func TestPermissionsSayWhatIsLost(t *testing.T) {
	t.Parallel()
	optional := map[string]bool{
		"instagram_basic": false, "instagram_manage_messages": false, "pages_show_list": false,
		"pages_manage_metadata": false, "pages_messaging": true, "business_management": true, "ads_read": false,
	}
	seen := map[string]bool{}
	for name, want := range optional {
		p := Permissions([]string{name})[0]
		if p.Name != name || p.Optional != want || p.Lost == "" || seen[p.Lost] {
			t.Errorf("%s: %+v; want Optional %v and a sentence of its own", name, p, want)
		}
		seen[p.Lost] = true
	}
}

func TestStoppedNamesEveryAccount(t *testing.T) {
	t.Parallel()
	for want, stopped := range map[string]Stopped{
		"": nil,
		"@a was not shared this time and stopped.":             {"a"},
		"@a and @b were not shared this time and stopped.":     {"a", "b"},
		"@a, @b and @c were not shared this time and stopped.": {"a", "b", "c"},
	} {
		if got := stopped.Sentence(); got != want {
			t.Errorf("sentence of %q = %q, want %q", []string(stopped), got, want)
		}
	}
}

func TestAPageWithoutNameHasALabel(t *testing.T) {
	t.Parallel()
	const none = "A Page without a name"
	for name, want := range map[string]string{"Aurora": "Aurora", "": none, " ": none} {
		if got := (Verdict{PageName: name}).Label(); got != want {
			t.Errorf("Label of %q = %q, want %q", name, got, want)
		}
	}
}
