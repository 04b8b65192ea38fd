package proxy

import (
	"sync"
	"sync/atomic"
	"time"
)

// partWait bounds how long one parting takes, up to the other side's answer.
const partWait = time.Second

// partings are exchanges that are being ended politely. They belong to who began them, and waits for them.
type partings struct {
	group sync.WaitGroup
	cut   atomic.Int64
}

// wait returns how many of them had to be cut unprepared.
func (p *partings) wait() int {
	p.group.Wait()
	return int(p.cut.Load())
}

// part begins to end politely what can be, one after the other, evenly over the window.
func (f *flight) part(all *partings, window time.Duration) {
	leaving := f.leaving()
	for i, x := range leaving {
		pause := window * time.Duration(i) / time.Duration(len(leaving))
		all.group.Go(func() {
			if f.sayGoodbye(x, pause) {
				all.cut.Add(1)
			}
		})
	}
}

// leaving are the members that can be ended politely and are not yet being ended.
func (f *flight) leaving() (all []*exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for x := range f.members {
		if x.ending != nil && x.gone == nil {
			x.gone = make(chan struct{})
			all = append(all, x)
		}
	}
	return all
}

// sayGoodbye ends x after a pause and waits for its end, within bounds. It reports whether x had to be cut unprepared.
func (f *flight) sayGoodbye(x *exchange, pause time.Duration) (cut bool) {
	if pause > 0 && leaves(x.gone, pause) {
		return false
	}
	bound := time.AfterFunc(partWait, func() { f.sever(x) })
	defer bound.Stop()
	x.ending.part(x.gone)
	leaves(x.gone, partWait+cutWait)
	return x.severed.Load() && !x.ending.said()
}

// leaves waits until gone is closed, and reports false when that takes longer than limit.
func leaves(gone <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-gone:
		return true
	case <-timer.C:
		return false
	}
}
