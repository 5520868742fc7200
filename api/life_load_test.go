package api_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"igconnect/internal/metasim"
	"igconnect/lib/app"
)

// A thousand connections with Meta at 50 ms a call: all checked within the
// minute that the platform gives, never more than eight calls at once, and the
// memory stays flat. Every second one is near its end.
func TestThousandConnections(t *testing.T) {
	const n = 1000
	l := startLife(t)
	l.connectMany(n)
	l.meta.Reset()
	l.meta.SetLatency(50 * time.Millisecond)

	before := heap()
	begun := time.Now()
	l.wantRun(app.Renewal{Checked: n, Renewed: n / 2})
	took, grown := time.Since(begun), int64(heap())-int64(before)
	t.Logf("%v, %d at once, %d kB more", took, l.meta.MaxConcurrent(), grown>>10)
	if took > 60*time.Second {
		t.Errorf("it took %v", took)
	}
	if most := l.meta.MaxConcurrent(); most > 8 {
		t.Errorf("%d calls at once", most)
	}
	// The simulator in this process remembers each request, about 4 kB.
	if limit := int64(24 << 20); grown > limit {
		t.Errorf("%d kB more memory", grown>>10)
	}
	l.wantRun(app.Renewal{})
}

// connectMany stores so many connections, each of a person of its own: every
// second one 50 days old, the others 10.
func (l *life) connectMany(n int) {
	l.t.Helper()
	type row struct{ id, person, page, token, pageToken string }
	rows := make([]row, n)
	for i := range rows {
		page := metasim.Page{ID: fmt.Sprint(30000 + i), Token: fmt.Sprintf("EAApage%dtoken-for-the-load-test", i), Instagram: &metasim.Instagram{ID: fmt.Sprint(17841500000000000 + i)}}
		rows[i] = row{page.Instagram.ID, fmt.Sprint(60000 + i), page.ID, "", page.Token}
		l.meta.AddPerson(metasim.Person{ID: rows[i].person, Pages: []metasim.Page{page}})
	}
	for _, ago := range []int{50, 10} {
		l.meta.Jump(time.Duration(-ago) * oneDay)
		for i := range rows {
			if (i%2 == 0) == (ago == 50) {
				rows[i].token = l.meta.Grant(metasim.Grant{Person: rows[i].person})
			}
		}
		l.meta.Jump(time.Duration(ago) * oneDay)
	}
	for i, r := range rows {
		l.readPage(r.page, r.token)
		sql(l.t, l.lite, `insert into public.user_configs (user_id, instagram_id, facebook_user_id, page_id, token, page_token, scopes, token_expires_at)
			values ($1, $2, $3, $4, $5, $6, '{instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata}', now() + interval '1 day' * $7::int)`,
			l.user, r.id, r.person, r.page, r.token, r.pageToken, 10+i%2*40)
	}
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
