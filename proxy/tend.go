package proxy

import (
	"context"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
)

// renewal says when to ask a CA.
type renewal struct {
	retry time.Duration // after the first failure; it grows with each
	check time.Duration // between two looks, at most
}

// next is how long to wait after so many failures in a row. Let's Encrypt has five failed authorizations for a host, and another
// one every twelve minutes; an attempt may be two, one for each way in which a CA looks.
func (r renewal) next(failures int) time.Duration {
	const most = 6 * time.Hour
	if failures == 1 {
		return r.retry
	}
	wait := 12 * r.retry
	for range failures - 2 {
		wait = min(2*wait, most)
	}
	return wait
}

// due is when a certificate is to be replaced: with a third of its life to go.
func due(leaf *x509.Certificate) time.Time {
	return leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 3)
}

// keep watches files, and has a goroutine for each host whose certificate ACME makes, until ctx ends.
func (v *vault) keep(ctx context.Context, every time.Duration, at func() arrivals) {
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return nil, errNoCertificate }, // it is never asked
		Logger:           v.zap,
	})
	defer cache.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	all := tenders{ctx: ctx, v: v, running: map[string]tender{}, maker: func(a ACME) (*maker, error) { return v.makerOf(a, at(), cache) }}
	defer all.stop()
	for {
		all.adjust(v.look())
		select {
		case <-tick.C:
		case <-v.changed:
		case <-ctx.Done():
			return
		}
	}
}

// makerOf is the maker for a CA, made anew when what it is trusted by has changed.
func (v *vault) makerOf(a ACME, at arrivals, cache *certmagic.Cache) (*maker, error) {
	v.making.Lock()
	defer v.making.Unlock()
	var pool *x509.CertPool
	trust := watched[*authority]{make: newAuthority}
	if a.Roots != "" {
		trust.files = []string{a.Roots}
		if trust.reread(); trust.err != nil {
			return nil, fmt.Errorf("trust the CA: %s cannot be used: %w", a.Roots, trust.err)
		}
		pool = poolOf(trust.is)
	}
	if m := v.maker.Load(); m != nil && m.settings == a && m.roots == trust.sum {
		return m, nil
	}
	m := newMaker(a, pool, at, cache, v.shelf, v.zap)
	m.roots = trust.sum
	v.maker.Store(m)
	return m, nil
}

// tenders are the goroutines that see to certificates.
type tenders struct {
	ctx     context.Context
	v       *vault
	maker   func(ACME) (*maker, error)
	running map[string]tender
	group   sync.WaitGroup
}

type tender struct {
	settings ACME
	stop     context.CancelFunc
}

// adjust starts and ends tenders, so that there is one for each host, and no other.
func (t *tenders) adjust(wanted map[string]ACME) {
	for host, one := range t.running {
		if settings, still := wanted[host]; !still || settings != one.settings {
			one.stop()
			delete(t.running, host)
		}
	}
	for host, settings := range wanted {
		if _, runs := t.running[host]; runs {
			continue
		}
		ctx, stop := context.WithCancel(t.ctx)
		t.running[host] = tender{settings, stop}
		t.group.Go(func() { t.v.tend(ctx, host, settings, t.maker) })
	}
}

func (t *tenders) stop() {
	t.adjust(nil)
	t.group.Wait()
}

// tend sees to it that a host has a certificate, and always a fresh one, until ctx ends.
func (v *vault) tend(ctx context.Context, host string, settings ACME, makerFor func(ACME) (*maker, error)) {
	for {
		wait := max(v.rest(host, settings), min(v.left(host, settings), v.renewal.check))
		if wait > 0 && !pause(ctx, wait) {
			return
		}
		m, err := makerFor(settings)
		if err == nil {
			err = v.freshen(ctx, host, m)
		}
		if ctx.Err() != nil {
			return
		}
		v.settled(host, settings, err)
	}
}

// freshen replaces the host's certificate if it is time to.
func (v *vault) freshen(ctx context.Context, host string, m *maker) error {
	has, now := v.made(host, m.settings), time.Now()
	if has != nil && now.Before(due(has.Leaf)) && !m.wantsBack(ctx, has, now) {
		return nil
	}
	if err := m.get(ctx, host, has != nil); err != nil {
		return err
	}
	return v.fetch(host, m.settings)
}

// pause waits, and reports false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
