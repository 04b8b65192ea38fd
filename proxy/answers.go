package proxy

import "sync/atomic"

// answers counts what a release has answered.
type answers struct{ all, failed atomic.Uint64 }

func (a *answers) count(failed bool) {
	a.all.Add(1)
	if failed {
		a.failed.Add(1)
	}
}

// Answers counts the requests that the release a service points to has answered since this process began to point to it,
// and those of them that failed: by a 5xx, whether the app's or the proxy's own (no backend, too slow), or broken off.
// Requests whose client left before there was an answer count as neither. Both are 0 for an unknown service.
func (p *Proxy) Answers(service string) (all, failed uint64) {
	r := p.table.Load().releases[service]
	if r == nil {
		return 0, 0
	}
	failed = r.answers.failed.Load() // first, so that it never exceeds all
	return r.answers.all.Load(), failed
}
