package proxy

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meters are the proxy's metrics.
type meters struct {
	requests *prometheus.CounterVec
	inFlight *prometheus.GaugeVec
	held     *prometheus.GaugeVec
}

// meter is one service's share, its labels resolved beforehand so that a request looks nothing up.
type meter struct {
	classes  [6]prometheus.Counter // by the first digit of the status; 0 is unused
	inFlight prometheus.Gauge
	held     prometheus.Gauge
	recent   *recent
}

func newMeters(registry prometheus.Registerer) (*meters, error) {
	m := &meters{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fisherman_proxy_requests_total",
			Help: "Requests the proxy has answered, by service (empty: none) and class of the status (2xx).",
		}, []string{"service", "class"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fisherman_proxy_requests_in_flight",
			Help: "Requests and upgraded connections that a service is working on.",
		}, []string{"service"}),
		held: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fisherman_proxy_requests_held",
			Help: "Requests that wait until their service is back from a pause, or (empty: any) routes are confirmed.",
		}, []string{"service"}),
	}
	if registry == nil {
		return m, nil
	}
	for _, collector := range []prometheus.Collector{m.requests, m.inFlight, m.held} {
		if err := registry.Register(collector); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *meters) of(service string) *meter {
	one := &meter{
		inFlight: m.inFlight.WithLabelValues(service), held: m.held.WithLabelValues(service), recent: newRecent(time.Now()),
	}
	for class := 1; class < len(one.classes); class++ {
		one.classes[class] = m.requests.WithLabelValues(service, fmt.Sprintf("%dxx", class))
	}
	return one
}

// forget drops a service's metrics. What is still in flight counts on, unseen.
func (m *meters) forget(service string) {
	m.requests.DeletePartialMatch(prometheus.Labels{"service": service})
	m.inFlight.DeleteLabelValues(service)
	m.held.DeleteLabelValues(service)
}

func (m *meter) count(status int) {
	if class := status / 100; class > 0 && class < len(m.classes) {
		m.classes[class].Inc()
	}
}
