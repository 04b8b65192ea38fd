package server

import (
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"fisherman/deployer"
)

// Service is what runs of a service.
type Service struct {
	Name       string         `json:"name"`
	State      string         `json:"state"` // running, deploying, degraded or down
	Image      string         `json:"image"` // of the live deployment; the configured one where nothing is live
	Digest     string         `json:"digest"`
	Commit     string         `json:"commit"`
	Deployment string         `json:"deployment"` // the live one's id
	Routes     []ServiceRoute `json:"routes"`
	Replicas   []Replica      `json:"replicas"`
	Traffic    Traffic        `json:"traffic"`
}

// Traffic is what a service's routes have been asked for in the last five minutes, or since the server started where that
// is less, by the proxy's own count. All its releases count together, so that a switch changes nothing. A worker without
// routes has none.
type Traffic struct {
	RequestsPerSecond float64 `json:"requests_per_second"`
	ErrorsPerSecond   float64 `json:"errors_per_second"` // of those: answered with 5xx, by the app or for want of it, or broken off
	WindowSeconds     int     `json:"window_seconds"`    // how long the time was that both are means of
}

// NewTraffic is what counts over a time come to, to a thousandth.
func NewTraffic(requests, errors uint64, over time.Duration) Traffic {
	seconds := max(1, over.Seconds()) // of a service that is younger, no rate is made up
	rate := func(n uint64) float64 { return math.Round(1000*float64(n)/seconds) / 1000 }
	return Traffic{rate(requests), rate(errors), int(math.Round(over.Seconds()))}
}

// ServiceRoute is one of a service's routes, as configured.
type ServiceRoute struct {
	Host   string `json:"host"`
	Prefix string `json:"prefix"`
	Port   int    `json:"port"`
}

// Replica is one container of the live release.
type Replica struct {
	Container string `json:"container"`
	Address   string `json:"address"` // with the first route's port; of a worker the bare IP address; empty while it is down
	Healthy   bool   `json:"healthy"` // it answers its health checks and is in the rotation
}

// Route is a line of the proxy's live table.
type Route struct {
	Host     string    `json:"host"`
	Prefix   string    `json:"prefix"`
	Service  string    `json:"service"`
	Release  string    `json:"release"` // a deployment's id
	Backends []Backend `json:"backends"`
}

// Backend is where a route's requests go.
type Backend struct {
	Address  string `json:"address"`
	InFlight int    `json:"in_flight"` // requests at this moment
}

func (s *Server) services(r *http.Request) (any, error) {
	statuses, err := s.Deployer.Services(r.Context())
	return list(statuses, s.shown), err
}

func (s *Server) service(r *http.Request) (any, error) {
	status, err := s.Deployer.Service(r.Context(), chi.URLParam(r, "service"))
	return s.shown(status), err
}

func (s *Server) shown(status deployer.ServiceStatus) Service {
	one := service(status)
	if len(one.Routes) > 0 {
		one.Traffic = s.Traffic(one.Name)
	}
	return one
}

func (s *Server) routes(*http.Request) (any, error) {
	return list(s.Routes(), func(r Route) Route {
		r.Backends = list(r.Backends, func(b Backend) Backend { return b })
		return r
	}), nil
}

func service(s deployer.ServiceStatus) Service {
	shown := Service{
		Name:     s.Service.Name,
		State:    s.State,
		Image:    s.Service.Reference(),
		Routes:   list(s.Service.Routes, serviceRoute),
		Replicas: list(s.Replicas, func(r deployer.Replica) Replica { return replica(r, s.Service.Routes) }),
	}
	if live := s.Live; live != nil {
		shown.Image, shown.Digest, shown.Commit, shown.Deployment = image(*live), live.Digest, live.Commit, live.ID
	}
	return shown
}

func serviceRoute(r deployer.Route) ServiceRoute {
	return ServiceRoute{Host: r.Host, Prefix: r.Prefix, Port: r.Port}
}

func replica(r deployer.Replica, routes []deployer.Route) Replica {
	shown := Replica{Container: r.Container, Address: r.Address, Healthy: r.Healthy}
	if r.Address != "" && len(routes) > 0 {
		shown.Address = net.JoinHostPort(r.Address, strconv.Itoa(routes[0].Port))
	}
	return shown
}

// list turns every element into what is shown of it. It is never nil, as lists in JSON are never null.
func list[T, Shown any](all []T, show func(T) Shown) []Shown {
	shown := make([]Shown, 0, len(all))
	for _, one := range all {
		shown = append(shown, show(one))
	}
	return shown
}
