package proxy

import (
	"errors"
	"net"
	"net/http"
	"time"
)

const (
	// upstreamIdle is how long a connection to a backend is kept for the next request. A request that is not
	// idempotent cannot be repeated when the backend closes the idle connection at the very moment it is sent; so
	// connections are dropped well before any common server gives up on them (gunicorn after 2 s, Node after 5 s).
	// Under load they are in use all the time, and without load one more connect a second is nothing.
	upstreamIdle = time.Second
	// upstreamIdleConnections are kept for each backend at most.
	upstreamIdleConnections = 256
	// continueWait is how long a backend may take to say "100 Continue" before it gets the body all the same.
	continueWait = time.Second
)

// upstream connects to the replicas of a route.
type upstream struct{ transport *http.Transport }

func newUpstream(t Timeouts) *upstream {
	dialer := &net.Dialer{Timeout: t.Dial}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	return &upstream{&http.Transport{
		DialContext:           dialer.DialContext,
		DisableCompression:    true,
		ExpectContinueTimeout: continueWait,
		IdleConnTimeout:       upstreamIdle,
		MaxIdleConnsPerHost:   upstreamIdleConnections,
		Protocols:             protocols,
	}}
}

// RoundTrip sends the request to the replica that was picked for it. While a replica does not take the connection, and
// therefore has seen nothing of the request, another one is asked.
func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r.Context())
	if x.upload == nil {
		x.sent()
	}
	defer x.clock.stop()
	res, err := u.transport.RoundTrip(r)
	for dialFailed(err) && r.Context().Err() == nil && x.repick() {
		next := r.WithContext(r.Context())
		target := *r.URL
		target.Host = x.replica.address
		next.URL = &target
		res, err = u.transport.RoundTrip(next)
	}
	return res, err
}

// dialFailed says that not a byte of the request was sent.
func dialFailed(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "dial"
}

// repick moves the exchange to a replica it has not tried.
func (x *exchange) repick() bool {
	x.replica.markRefused()
	x.tried = append(x.tried, x.replica)
	next := x.route.replicas.pick(x.tried)
	if next == nil {
		return false
	}
	x.replica.inFlight.Add(-1)
	x.replica = next
	return true
}
