package server

import (
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"fisherman/deployer"
	"fisherman/webhooks"
)

// remembered is how many ended deployments are known as counted. Only those told twice in short order matter.
const remembered = 1024

// metrics are the server's own. Every label has few values: a stranger cannot make more.
type metrics struct {
	deployments *prometheus.CounterVec
	stages      *prometheus.HistogramVec
	deliveries  *prometheus.CounterVec

	mu      sync.Mutex
	counted []string // ids of ended deployments, the newest last
}

func newMetrics(registry *prometheus.Registry, v Version) *metrics {
	m := &metrics{
		deployments: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fisherman_deployments_total", Help: "Deployments that have ended, by outcome.",
		}, []string{"service", "outcome"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fisherman_deployment_stage_seconds", Help: "How long ended deployments were in each state.",
			Buckets: []float64{0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800},
		}, []string{"stage"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fisherman_webhooks_total", Help: "Webhooks by event, what became of them, and class of the status they were answered with.",
		}, []string{"event", "answer", "code"}),
	}
	registry.MustRegister(
		m.deployments, m.stages, m.deliveries, buildInfo(v),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func buildInfo(v Version) prometheus.Collector {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "fisherman_build_info", Help: "Always 1; the labels say what was built.",
	}, []string{"version", "commit", "go_version"})
	info.WithLabelValues(v.Version, v.Commit, v.Go).Set(1)
	return info
}

// handler serves what can be collected, also when a part of it cannot.
func (m *metrics) handler(from prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(from, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// observe counts a deployment once it has ended, and its stages.
func (m *metrics) observe(d deployer.Deployment) {
	if !d.State.Ended() || !m.first(d.ID) {
		return
	}
	m.deployments.WithLabelValues(d.Service, string(d.State)).Inc()
	for i := range len(d.Steps) - 1 {
		m.stages.WithLabelValues(string(d.Steps[i].State)).Observe(d.Steps[i+1].At.Sub(d.Steps[i].At).Seconds())
	}
}

// first reports whether an ended deployment is seen for the first time, and remembers it.
func (m *metrics) first(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.Contains(m.counted, id) {
		return false
	}
	m.counted = append(m.counted[max(0, len(m.counted)-remembered+1):], id)
	return true
}

// delivery counts a webhook. The event of one that was refused is only claimed.
func (m *metrics) delivery(event string, became outcome, status int) {
	if !slices.Contains([]string{webhooks.KindPush, webhooks.KindPackage, webhooks.KindPing}, event) {
		event = "other"
	}
	m.deliveries.WithLabelValues(event, string(became), fmt.Sprintf("%dxx", status/100)).Inc()
}
