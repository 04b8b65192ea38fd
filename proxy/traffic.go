package proxy

import (
	"context"
	"sync"
	"time"
)

const (
	trafficWindow = 5 * time.Minute
	trafficTick   = 10 * time.Second
)

// Traffic is what a service has been asked for lately, whichever of its releases it was.
type Traffic struct {
	All, Failed uint64        // as Answers counts them, and with them what the proxy answered for want of a release
	Over        time.Duration // the time in which: the last five minutes and up to ten seconds more, or less as long as the service is younger
}

// Traffic counts what a service has been asked for in the last five minutes. The count goes on across releases; it begins
// anew with the process. It is zero for an unknown service.
func (p *Proxy) Traffic(service string) Traffic {
	r := p.table.Load().releases[service]
	if r == nil {
		return Traffic{}
	}
	return r.meter.recent.traffic(time.Now())
}

// sampleTraffic notes how far each service's count has come, until ctx ends.
func (p *Proxy) sampleTraffic(ctx context.Context) {
	tick := time.NewTicker(trafficTick)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			for _, r := range p.table.Load().releases {
				r.meter.recent.sample(now)
			}
		case <-ctx.Done():
			return
		}
	}
}

// recent is a service's count and where it stood in the last minutes, so that a request adds one and remembers nothing.
type recent struct {
	answers

	mu      sync.Mutex // guards samples
	samples []sample   // the oldest first, never empty
}

type sample struct {
	at          time.Time
	all, failed uint64
}

func newRecent(now time.Time) *recent { return &recent{samples: []sample{{at: now}}} }

// sample notes where the count stands, and forgets all but the newest of what is older than the window.
func (r *recent) sample(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.samples) > 1 && now.Sub(r.samples[1].at) >= trafficWindow {
		r.samples = r.samples[1:]
	}
	r.samples = append(r.samples, sample{now, r.all.Load(), r.failed.Load()})
}

func (r *recent) traffic(now time.Time) Traffic {
	r.mu.Lock()
	defer r.mu.Unlock()
	since, all := r.samples[0], r.all.Load()
	t := Traffic{All: all - since.all, Failed: r.failed.Load() - since.failed, Over: now.Sub(since.at)}
	t.Failed = min(t.Failed, t.All) // an answer may have been counted only half when a sample was taken
	return t
}
