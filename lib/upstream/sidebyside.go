package upstream

import "sync"

// SideBySide runs the jobs at once, at most n at a time, and returns when all
// are done: a frozen function runs no leftovers. A panic of a job becomes one
// of the caller, where it can be recovered; on its own goroutine it would end
// the process.
func SideBySide(n int, jobs ...func()) {
	var (
		group  sync.WaitGroup
		once   sync.Once
		broken any
		slots  = make(chan struct{}, n)
	)
	for _, job := range jobs {
		slots <- struct{}{}
		group.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					once.Do(func() { broken = v })
				}
				<-slots
			}()
			job()
		})
	}
	group.Wait()
	if broken != nil {
		panic(broken)
	}
}
