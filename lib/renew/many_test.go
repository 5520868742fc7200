package renew_test

import (
	"runtime"
	"testing"
	"time"

	"igconnect/lib/renew"
)

// A thousand connections with Meta at 50 ms a call: all checked within the minute that
// the platform gives, never more than eight calls at once, and the memory stays flat.
// Every second one is near its end.
func TestThousandConnections(t *testing.T) {
	const n = 1000
	d := deploy(t)
	d.connectMany(n)
	d.Meta.SetLatency(50 * time.Millisecond)

	before := heap()
	begun := time.Now()
	d.wantRun(renew.Result{Checked: n, Renewed: n / 2})
	took, grown := time.Since(begun), int64(heap())-int64(before)
	t.Logf("%v, %d at once, %d kB more", took, d.Meta.MaxConcurrent(), grown>>10)
	if took > 60*time.Second {
		t.Errorf("it took %v", took)
	}
	if most := d.Meta.MaxConcurrent(); most > 8 {
		t.Errorf("%d calls at once", most)
	}
	// The simulator in this process remembers each request, about 4 kB.
	if limit := int64(24 << 20); grown > limit {
		t.Errorf("%d kB more memory", grown>>10)
	}
	d.wantRun(renew.Result{})
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
