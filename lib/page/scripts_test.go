package page

import (
	"path/filepath"
	"regexp"
	"testing"
)

// Our scripts take no message from another window and make no markup of a
// text. https://www.rfc-editor.org/rfc/rfc9700#section-4.17
func TestScriptsTakeNothingFromOutside(t *testing.T) {
	forbidden := regexp.MustCompile(`postMessage|onmessage|["']message["']|MessageChannel|BroadcastChannel|opener|innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function`)
	scripts, err := filepath.Glob(public + "/*.js")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	for _, name := range scripts {
		if found := forbidden.FindString(read(t, name)); found != "" {
			t.Errorf("%s contains %q", name, found)
		}
	}
}
