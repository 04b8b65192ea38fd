package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"path"
	"strings"
)

// ErrTaken says that another service already has the host and prefix.
var ErrTaken = errors.New("route taken by another service")

// Route is a row of the live table.
type Route struct {
	Host     string    `json:"host"`
	Prefix   string    `json:"prefix"`
	Service  string    `json:"service"`
	Release  string    `json:"release"`
	Backends []Backend `json:"backends"`
}

// Backend is one address that a route leads to.
type Backend struct {
	Address  string `json:"address"`
	InFlight int64  `json:"in_flight"`
}

// route sends one host and prefix to the replicas of a release.
type route struct {
	host     string
	prefix   string // without a slash at its end, "" for everything
	release  *release
	replicas *replicas
}

// newRoute reads "host/prefix", checks it and the addresses behind it.
func newRoute(key string, backends []string) (*route, error) {
	name, prefix, found := strings.Cut(key, "/")
	if !found {
		return nil, fmt.Errorf("%q has no prefix; write host/prefix, such as %s/", key, key)
	}
	var buf [maxHost]byte
	host, ok := fold(&buf, name)
	if !ok || strings.Contains(name, ":") {
		return nil, fmt.Errorf("%q: %q is not a host name without a port", key, name)
	}
	prefix = strings.TrimSuffix("/"+prefix, "/")
	if prefix != "" && path.Clean(prefix) != prefix || strings.ContainsFunc(prefix, special) {
		return nil, fmt.Errorf("%q: a prefix is made of plain segments, such as /api/v1", key)
	}
	for _, address := range backends {
		if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
			return nil, fmt.Errorf("%q: backend %q is not host:port", key, address)
		}
	}
	return &route{host: string(host), prefix: prefix, replicas: newReplicas(backends)}, nil
}

// special characters have no place in a prefix: requests carry them escaped, or they end a path.
func special(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`%;\?#`, c) }

// key is the route as Point is told of it.
func (r *route) key() string { return r.host + cmp.Or(r.prefix, "/") }

// lease is the route as its service serves it.
func (r *route) lease() lease { return lease{r.release.service, r.prefix} }

// row is the route as the API shows it.
func (r *route) row() Route {
	row := Route{
		Host: r.host, Prefix: cmp.Or(r.prefix, "/"), Service: r.release.service, Release: r.release.name,
		Backends: []Backend{},
	}
	for _, replica := range r.replicas.all {
		row.Backends = append(row.Backends, Backend{Address: replica.address, InFlight: replica.inFlight.Load()})
	}
	return row
}
