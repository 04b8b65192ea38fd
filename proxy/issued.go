package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"
)

// issued is what CAs have made for a host, by their issuerKey: what one has made is good also while another one is asked.
type issued map[string]*tls.Certificate

// recallLocked takes from disk what has been made for the hosts.
func (v *vault) recallLocked() {
	if v.wanted.ACME == nil {
		return
	}
	by := issuerKey(*v.wanted.ACME)
	for host, h := range v.hosts {
		if !h.shows() {
			continue
		}
		if len(v.issued[host]) == 0 {
			v.issued[host] = v.shelf.others(host) // also what may be of use only later
		}
		if v.issued[host][by] == nil || v.unread[host] != nil {
			_ = v.fetchLocked(host, by) // it is told
		}
		if f := v.shelf.failures(*v.wanted.ACME, host); f.Count > v.failures[host].Count {
			v.failures[host] = f // from before a restart
		}
	}
}

// fetchLocked takes a host's certificate from disk. One that cannot be read now is looked at again.
func (v *vault) fetchLocked(host, by string) error {
	c, err := v.shelf.find(by, host)
	delete(v.unread, host)
	switch {
	case err != nil && !errors.Is(err, errDamaged):
		v.unread[host] = err
	case err != nil:
		v.log.Error().Str("host", host).Err(err).Msg("a certificate that ACME has made is damaged; it is set aside, and another one is made")
	case c != nil:
		v.issueLocked(host, by, c)
	}
	return err
}

func (v *vault) issueLocked(host, by string, c *tls.Certificate) {
	if v.issued[host] == nil {
		v.issued[host] = issued{}
	}
	v.issued[host][by] = c
}

// fetch puts to use what has just been made.
func (v *vault) fetch(host string, from ACME) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	by := issuerKey(from)
	if err := v.fetchLocked(host, by); err != nil {
		return fmt.Errorf("read what the CA has made: %w", err)
	}
	c := v.issued[host][by]
	if c == nil || !time.Now().Before(due(c.Leaf)) {
		return fmt.Errorf("the CA has made a certificate that cannot be used: %w", errNoCertificate)
	}
	v.log.Info().Str("host", host).Time("expires", c.Leaf.NotAfter).Msg("using a new certificate by ACME")
	v.renewLocked()
	return nil
}

// made is what a CA has made for a host; nil when it has made none.
func (v *vault) made(host string, by ACME) *tls.Certificate {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.issued[host][issuerKey(by)]
}

// left is how long the host's certificate need not be replaced.
func (v *vault) left(host string, by ACME) time.Duration {
	if c := v.made(host, by); c != nil {
		return time.Until(due(c.Leaf))
	}
	return 0
}

// settled takes note of how an attempt has ended.
func (v *vault) settled(host string, by ACME, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err == nil {
		v.failLocked(host, failures{})
	} else {
		v.failLocked(host, failures{v.failures[host].of(by) + 1, time.Now(), err.Error(), by})
		v.failed.WithLabelValues(host).Inc()
		v.log.Error().Str("host", host).Err(err).Msg("no certificate by ACME; trying again")
	}
	v.assessLocked(time.Now())
}

// failLocked takes note of a host's failures, also for after a restart.
func (v *vault) failLocked(host string, f failures) {
	if v.failures[host].Count == 0 && f.Count == 0 {
		return
	}
	if v.failures[host] = f; f.Count == 0 {
		delete(v.failures, host)
	}
	if err := v.shelf.note(host, f); err != nil {
		v.log.Warn().Str("host", host).Err(err).Msg("after a restart it will not be known when ACME was asked last")
	}
}

// rest is how long the CA is to be left alone about a host, after what has failed.
func (v *vault) rest(host string, by ACME) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	f := v.failures[host]
	if f.of(by) == 0 {
		return 0
	}
	wait := v.renewal.next(f.Count)
	return min(wait, wait-time.Since(f.Last)) // also when the clock was set back
}

// rankLocked puts what the present CA has made before what others have.
func (v *vault) rankLocked(all issued) (ranked []*tls.Certificate) {
	present := ""
	if v.wanted.ACME != nil {
		present = issuerKey(*v.wanted.ACME)
	}
	for by, c := range all {
		if by != present {
			ranked = append(ranked, c)
		}
	}
	slices.SortFunc(ranked, func(a, b *tls.Certificate) int { return b.Leaf.NotAfter.Compare(a.Leaf.NotAfter) })
	if c := all[present]; c != nil {
		ranked = slices.Insert(ranked, 0, c)
	}
	return ranked
}
