package deploytest_test

import (
	"net/http"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

func TestConnect(t *testing.T) {
	t.Parallel()
	d := deploytest.New(t, deploytest.Options{Pages: []metasim.Page{deploytest.Brand(1)}})
	d.WantRedirect(d.Connect(), http.StatusSeeOther, "/?connected="+deploytest.InstagramID(1))
	if row := d.Supabase.Rows()[deploytest.Ada+"/"+deploytest.InstagramID(1)]; row["status"] != "active" || row["page_id"] != "20001" {
		t.Errorf("saved: %v", row)
	}
}
