package proxy

import (
	"context"
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

// newTransport makes the connections to a service's replicas. They are nobody else's: an address that goes to another service
// would else take them along.
func (p *Proxy) newTransport(service string) *http.Transport {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:           caller{net.Dialer{Timeout: p.options.Timeouts.Dial}, service, p.options.Owns}.dial,
		DisableCompression:    true,
		ExpectContinueTimeout: continueWait,
		IdleConnTimeout:       upstreamIdle,
		MaxIdleConnsPerHost:   upstreamIdleConnections,
		Protocols:             protocols,
	}
}

// caller connects to replicas of a service.
type caller struct {
	net.Dialer
	service string
	owns    func(service, address string) bool
}

// errMoved says that a replica has ended, and that its address may be another's by now.
var errMoved = errors.New("the address is not the service's any more")

// dial looks whose the address is when the connection stands, not before: an attempt may take so long that another
// replica gets the address meanwhile, and answers.
func (c caller) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.DialContext(ctx, network, address)
	if err != nil || c.owns(c.service, address) {
		return conn, err
	}
	_ = conn.Close()
	return nil, &net.OpError{Op: "dial", Net: network, Addr: conn.RemoteAddr(), Err: errMoved}
}

// upstream is the way to the replicas of all routes.
type upstream struct{}

// RoundTrip sends the request to the replica that was picked for it. While a replica does not take the connection, and
// therefore has seen nothing of the request, another one is asked.
func (upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r.Context())
	defer x.clock.stop()
	res, err := x.attempt(r)
	for dialFailed(err) && r.Context().Err() == nil {
		if !x.repick() {
			if err := x.reclaim(r.Context(), err); err != nil {
				return nil, err
			}
		}
		next := r.WithContext(r.Context())
		target := *r.URL
		target.Host = x.replica.address
		next.URL = &target
		res, err = x.attempt(next)
	}
	if err != nil {
		return nil, err
	}
	if res.StatusCode < http.StatusContinue { // net/http would panic
		_ = res.Body.Close()
		return nil, backendBroke
	}
	x.classify(res)
	return res, nil
}

func (x *exchange) attempt(r *http.Request) (*http.Response, error) {
	if x.upload == nil {
		x.sent()
	}
	return x.route.release.via.RoundTrip(r)
}

// dialFailed says that not a byte of the request was sent.
func dialFailed(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "dial"
}

// repick moves the exchange to a replica it has not tried, of a release that has not been replaced meanwhile: what is behind
// the replicas of that may be stopped by now. It is counted there before that is asked, as in board.
func (x *exchange) repick() bool {
	x.replica.markRefused()
	x.tried = append(x.tried, x.replica)
	next := x.route.replicas.pick(x.tried)
	if next == nil {
		return false
	}
	if isClosed(x.route.release.retired) {
		next.inFlight.Add(-1)
		return false
	}
	x.replica.inFlight.Add(-1)
	x.replica = next
	return true
}
