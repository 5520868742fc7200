package faults_test

import (
	"encoding/json"
	"net/http"
	"strings"
)

func saved(w *world, a answer) bool {
	return a.StatusCode == http.StatusSeeOther && strings.Contains(a.Header.Get("Location"), "connected="+w.instagram(1))
}

func confirmed(w *world, a answer) bool {
	return a.StatusCode == http.StatusOK && strings.Contains(a.body, w.codes[0])
}

// runOf tells of a run what is still due; nothing if all went well.
func runOf(a answer) string {
	var run struct{ Checked, Renewed, Reconnect, Failed, Remaining int }
	switch {
	case a.StatusCode != http.StatusOK || json.Unmarshal([]byte(a.body), &run) != nil:
		return a.code()
	case run.Failed > 0 || run.Reconnect > 0 || run.Remaining > 0:
		return "still due"
	}
	return ""
}

func failedChecks(a answer) string {
	var health struct {
		Checks []struct {
			Name string
			OK   bool
		}
	}
	if json.Unmarshal([]byte(a.body), &health) != nil {
		return a.code()
	}
	var names []string
	for _, check := range health.Checks {
		if !check.OK {
			names = append(names, check.Name)
		}
	}
	return "check " + strings.Join(names, ", ")
}
