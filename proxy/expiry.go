package proxy

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// early and late are how long before the end of a certificate its owner is told. One that lives for a short time is told of
	// in its last quarter and last twelfth.
	early = 21 * 24 * time.Hour
	late  = 7 * 24 * time.Hour
)

// urgency is how near a certificate is to its end: 0 is far.
func urgency(c *tls.Certificate, now time.Time) int {
	life, left := c.Leaf.NotAfter.Sub(c.Leaf.NotBefore), c.Leaf.NotAfter.Sub(now)
	switch {
	case left <= 0:
		return 3
	case left < min(late, life/12):
		return 2
	case left < min(early, life/4):
		return 1
	}
	return 0
}

// assessLocked tells of the hosts whose certificate is missing, or near its end and still not replaced.
func (v *vault) assessLocked(now time.Time) {
	ring := v.ring.Load()
	still := map[string]bool{}
	for p := range v.pairs {
		still[p.String()] = true
	}
	for file := range v.cas {
		still["client CAs "+file] = true
	}
	for _, name := range slices.Sorted(maps.Keys(ring.hosts)) {
		if !ring.on || !ring.hosts[name].wants() {
			continue
		}
		about := "certificate of " + name
		still[about] = true
		reason, level := v.judge(ring, name, now)
		v.reportLocked(about, reason, level)
	}
	v.forgetLocked(still)
}

const reachable = "see to it that its DNS name leads here, and that the CA can reach ports 80 and 443 of this machine; it is tried again"

// brief is an error of bounded length: a CA may have much to say.
func brief(err error) string {
	const longest = 400
	text := err.Error()
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// judge says what is wrong with a host's certificate, if anything is.
func (v *vault) judge(ring *keyring, name string, now time.Time) (reason string, level int) {
	c := ring.certificate(name, func(*tls.Certificate) bool { return true }, now)
	failure := v.failures[name]
	switch {
	case !v.needsLocked(name, now):
	case v.unread[name] != nil:
		meanwhile, level := "so nobody can reach the host over HTTPS", 0
		if c != nil {
			meanwhile, level = "and the one that is served instead expires on "+day(c.Leaf.NotAfter), urgency(c, now)
		}
		return fmt.Sprintf("what ACME has made cannot be read, %s: %s; see to it that fisherman's user may "+
			"read it, or remove it, and another one is made; it is tried again", meanwhile, brief(v.unread[name])), level
	case c == nil && failure.Count == 0: // it is being made
		return "", 0
	case c == nil:
		return fmt.Sprintf("it cannot be obtained, so nobody can reach the host over HTTPS: %s; %s", brief(failure), reachable), 0
	case failure.Count == 0: // it is replaced in good time
		return "", 0
	default:
		return fmt.Sprintf("it cannot be renewed, and expires on %s: %s; %s", day(c.Leaf.NotAfter), brief(failure), reachable), urgency(c, now)
	}
	if c == nil {
		return "there is none in `proxy.certificates`, so nobody can reach the host over HTTPS; add one that covers it", 0
	}
	level = urgency(c, now)
	const remedy = "put a renewed one in its place"
	switch {
	case now.Before(c.Leaf.NotBefore):
		return fmt.Sprintf("it is not valid before %s; look at the machine's clock", day(c.Leaf.NotBefore)), 3
	case level == 3:
		return fmt.Sprintf("it expired on %s; %s", day(c.Leaf.NotAfter), remedy), level
	case level == 2:
		return fmt.Sprintf("it expires very soon, on %s; %s", day(c.Leaf.NotAfter), remedy), level
	case level == 1:
		return fmt.Sprintf("it expires on %s; %s", day(c.Leaf.NotAfter), remedy), level
	}
	return "", 0
}

// expiries are the ends of the hosts' certificates, as a metric.
type expiries struct {
	v    *vault
	desc *prometheus.Desc
}

func newExpiries(v *vault) expiries {
	return expiries{v, prometheus.NewDesc("fisherman_certificate_expiry_timestamp_seconds",
		"When the certificate that a host is served with expires.", []string{"host"}, nil)}
}

// Describe serves prometheus.Collector.
func (e expiries) Describe(out chan<- *prometheus.Desc) { out <- e.desc }

// Collect serves prometheus.Collector.
func (e expiries) Collect(out chan<- prometheus.Metric) {
	ring, now := e.v.ring.Load(), time.Now()
	for name, host := range ring.hosts {
		c := ring.certificate(name, func(*tls.Certificate) bool { return true }, now)
		if c != nil && host.wants() {
			out <- prometheus.MustNewConstMetric(e.desc, prometheus.GaugeValue, float64(c.Leaf.NotAfter.Unix()), name)
		}
	}
}
