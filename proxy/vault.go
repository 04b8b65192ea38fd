package proxy

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/zap"
)

// vault keeps certificates: it reads files when they change, and tells of what goes wrong with them.
type vault struct {
	log     zerolog.Logger
	tell    func(Notice)
	base    *tls.Config // of hosts that anybody may ask for
	silent  quiet
	zap     *zap.Logger
	shelf   *shelf
	renewal renewal
	pause   time.Duration // for which a change of a file must stay
	changed chan struct{} // has a value when there is something new to look at
	failed  *prometheus.CounterVec

	ring   atomic.Pointer[keyring]
	maker  atomic.Pointer[maker] // nil until the first certificate is to be made
	making sync.Mutex            // held while maker is replaced

	// reading is held from a look at files until it is taken note of. No other lock is held while they are read: they may be on a
	// disk that is slow, or far away, and routes change meanwhile.
	reading sync.Mutex
	glance  func(files ...string) glance

	mu       sync.Mutex // guards the fields below; held while ring is replaced
	wanted   TLS
	hosts    map[string]*tlsHost
	pairs    map[KeyPair]*watched[*tls.Certificate]
	cas      map[string]*watched[*authority]
	issued   map[string]issued   // by host
	unread   map[string]error    // by host, why what a CA has made cannot be read at this time
	failures map[string]failures // by host, of the last attempts to have a certificate made
	troubles map[string]trouble  // by what they are about
}

// trouble is what was told of something.
type trouble struct {
	reason string
	level  int
}

func newVault(options Options) *vault {
	v := &vault{
		log: options.Log, tell: options.Notice, pairs: map[KeyPair]*watched[*tls.Certificate]{}, cas: map[string]*watched[*authority]{},
		issued: map[string]issued{}, unread: map[string]error{}, failures: map[string]failures{}, troubles: map[string]trouble{}, zap: newZap(options.Log), shelf: newShelf(options.Certificates),
		renewal: renewal{options.Timeouts.Retry, options.Timeouts.Renew}, pause: options.Timeouts.Reread * 3 / 4, // two looks may be a bit closer
		changed: make(chan struct{}, 1), glance: glanceAt,
		hosts: map[string]*tlsHost{}, failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fisherman_certificate_failures_total", Help: "Failed attempts to have a certificate made or renewed by ACME.",
		}, []string{"host"}),
	}
	v.base = v.handshakes()
	v.ring.Store(&keyring{})
	return v
}

// replace makes t what is wanted. hosts are t's, live is what requests go to, and seen are the files.
func (v *vault) replace(t TLS, hosts map[string]*tlsHost, live *table, seen glances) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keepLocked(hosts, live)
	v.wanted, v.hosts = t, hosts
	clear(v.unread)
	for host := range v.failures {
		if hosts[host] == nil {
			v.failLocked(host, failures{})
		}
	}
	v.watchLocked()
	v.takeLocked(seen)
	v.recallLocked()
	v.renewLocked()
	v.assessLocked(time.Now())
	offer(v.changed)
}

// watchLocked watches the files that are wanted, and no others.
func (v *vault) watchLocked() {
	pairs := map[KeyPair]*watched[*tls.Certificate]{}
	for _, p := range v.wanted.Certificates {
		if pairs[p] = v.pairs[p]; pairs[p] == nil {
			pairs[p] = watchPair(p, v.pause)
		}
	}
	cas := map[string]*watched[*authority]{}
	for file := range clientCAsOf(v.hosts) {
		if cas[file] = v.cas[file]; cas[file] == nil {
			cas[file] = &watched[*authority]{files: []string{file}, make: newAuthority, pause: v.pause}
		}
	}
	v.pairs, v.cas = pairs, cas
}

// watchPair does not take an expired certificate for one that is still good.
func watchPair(p KeyPair, pause time.Duration) *watched[*tls.Certificate] {
	w := &watched[*tls.Certificate]{files: []string{p.Cert, p.Key}, pause: pause}
	w.make = func(contents [][]byte) (*tls.Certificate, error) {
		fresh, err := newPair(contents)
		now := time.Now()
		if err == nil && w.made && valid(w.is, now) && !valid(fresh, now) {
			return nil, fmt.Errorf("it is valid from %s to %s; put one there that is valid now", day(fresh.Leaf.NotBefore), day(fresh.Leaf.NotAfter))
		}
		return fresh, err
	}
	return w
}

// glances are looks at files, each pair as one.
type glances struct {
	pairs map[KeyPair]glance
	cas   map[string]glance
}

// peek looks at the files that t and hosts want, and those that live routes may want on. It is called with reading held.
func (v *vault) peek(t TLS, hosts map[string]*tlsHost) glances {
	seen := glances{map[KeyPair]glance{}, map[string]glance{}}
	for _, p := range t.Certificates {
		seen.pairs[p] = v.glance(p.Cert, p.Key)
	}
	v.mu.Lock()
	cas := clientCAsOf(v.hosts)
	v.mu.Unlock()
	maps.Copy(cas, clientCAsOf(hosts))
	for file := range cas {
		seen.cas[file] = v.glance(file)
	}
	return seen
}

// takeLocked takes note of what is in the files, and reports whether anything is new.
func (v *vault) takeLocked(seen glances) (changed bool) {
	for p, g := range seen.pairs {
		w := v.pairs[p]
		if w == nil {
			continue
		}
		if w.take(g) {
			changed = true
			v.log.Info().Str("certificate", p.Cert).Strs("hosts", w.is.Leaf.DNSNames).Time("expires", w.is.Leaf.NotAfter).Msg("using a certificate file")
		}
		reason := ""
		if w.err != nil {
			reason = fmt.Sprintf("%s and %s cannot be used: %v", p.Cert, p.Key, w.err)
			if w.made {
				reason += fmt.Sprintf("; the one before is served on, until %s", day(w.is.Leaf.NotAfter))
			}
		}
		v.reportLocked(p.String(), reason, 0)
	}
	for file, g := range seen.cas {
		w := v.cas[file]
		if w == nil {
			continue
		}
		if w.take(g) {
			changed = true
			v.log.Info().Str("client_ca", file).Int("certificates", len(w.is.known)).Msg("using a file of client CAs")
		}
		reason := ""
		if w.err != nil {
			reason = fmt.Sprintf("%s cannot be used: %v; ", file, w.err)
			if w.made {
				reason += "the one before is asked for on"
			} else {
				reason += "until then nobody gets in there"
			}
		}
		v.reportLocked("client CAs "+file, reason, 0)
	}
	return changed
}

// renewLocked puts together what is known into a new ring.
func (v *vault) renewLocked() {
	ring := &keyring{
		on: v.wanted.isOn(), hosts: map[string]*tlsHost{}, signs: map[string]*authority{}, issued: map[string][]*tls.Certificate{},
	}
	for host, all := range v.issued {
		if h := v.hosts[host]; h != nil && h.shows() {
			ring.issued[host] = v.rankLocked(all)
		}
	}
	for _, p := range v.wanted.Certificates {
		if w := v.pairs[p]; w.made {
			ring.pairs = append(ring.pairs, w.is)
		}
	}
	for file, w := range v.cas {
		if w.made {
			ring.signs[file] = w.is
		}
	}
	for name, host := range v.hosts {
		fresh := *host
		var by []*authority
		for _, file := range host.clientCAs() {
			if a := ring.signs[file]; a != nil {
				by = append(by, a)
			}
		}
		if len(by) > 0 {
			fresh.config = v.mutual(by)
		}
		ring.passes = ring.passes || host.kept || host.lent || len(host.leases) > 0
		ring.hosts[name] = &fresh
	}
	v.ring.Store(ring)
}

// look rereads the files, tells what there is to tell, and returns the hosts that need ACME.
func (v *vault) look() map[string]ACME {
	v.reading.Lock()
	defer v.reading.Unlock()
	seen := v.peek(v.present(), nil)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.takeLocked(seen) || len(v.unread) > 0 {
		v.recallLocked()
		v.renewLocked()
	}
	v.assessLocked(time.Now())
	needy := map[string]ACME{}
	for name := range v.ring.Load().hosts {
		if v.needsLocked(name, time.Now()) && v.unread[name] == nil {
			needy[name] = *v.wanted.ACME
		}
	}
	return needy
}

// present is what is wanted.
func (v *vault) present() TLS {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.wanted
}

// needsLocked reports whether ACME is to make the host's certificate: one that may, and that no file covers.
func (v *vault) needsLocked(host string, now time.Time) bool {
	ring := v.ring.Load()
	h := ring.hosts[host]
	return v.wanted.ACME != nil && h != nil && h.auto && !ring.covered(host, now)
}

// reportLocked tells of a trouble when it is new or has become another, and when it is over; an empty reason is no trouble.
// That there is none is told at first, too: it may have been told of before a restart.
func (v *vault) reportLocked(about, reason string, level int) {
	before, met := v.troubles[about]
	had := before.reason != ""
	if met && before.reason == reason {
		return
	}
	notice := Notice{About: about, Reason: reason, Again: had && level > before.level, At: time.Now().UTC()}
	v.troubles[about] = trouble{reason, level}
	switch {
	case reason != "":
		v.log.Error().Str("reason", reason).Msg(about)
	case had:
		v.log.Info().Msg(about + ": well again")
	}
	if v.tell != nil {
		v.tell(notice)
	}
}

// forgetLocked ends what was told of what is not wanted any more.
func (v *vault) forgetLocked(still map[string]bool) {
	for _, about := range slices.Collect(maps.Keys(v.troubles)) {
		if !still[about] {
			v.reportLocked(about, "", 0)
			delete(v.troubles, about)
		}
	}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
