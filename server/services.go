package server

import (
	"net"
	"net/http"
	"strconv"

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
	Healthy   bool   `json:"healthy"`
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
	return list(statuses, service), err
}

func (s *Server) service(r *http.Request) (any, error) {
	status, err := s.Deployer.Service(r.Context(), chi.URLParam(r, "service"))
	return service(status), err
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
	shown := Replica{Container: r.Container, Address: r.Address, Healthy: r.Running}
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
