package deployer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrUnavailable is wrapped by what a Runtime or a Registry returns when it could not be reached or was too busy:
// trying again later may help. Any other error is final for that deployment.
var ErrUnavailable = errors.New("unavailable")

// ErrNotFound is wrapped when there is no such tag, service or deployment.
var ErrNotFound = errors.New("not found")

// ErrNoSpace is wrapped by Preflight and Pull when the disk is too full: cleaning may help.
var ErrNoSpace = errors.New("not enough disk space")

// RetryError is ErrUnavailable with the time the other side asked us to wait (RFC 9110, Retry-After).
type RetryError struct {
	After time.Duration
	Err   error
}

func (e *RetryError) Error() string { return fmt.Sprintf("%v (asked to wait %s)", e.Err, e.After) }

// Unwrap makes a RetryError an ErrUnavailable too.
func (e *RetryError) Unwrap() []error { return []error{ErrUnavailable, e.Err} }

// Release is one digest of a service, made to run by one deployment with the configuration of that moment.
type Release struct {
	ID      string // the deployment's
	Service Service
	Digest  string
	From    string // a rollback: the deployment whose retained image it uses
	Spec    string // of the containers it has, when it was made with an earlier configuration
}

// Replica is one container of a release.
type Replica struct {
	Container string // id
	Address   string // IP address on the network, empty while it does not run
	Running   bool
	Healthy   bool   // it runs and answered its last probes well; the deployer fills it in, not the runtime
	Ended     string // why it does not run: "exited with code 1"; empty while it does
}

// Probe is how a release's replicas are asked whether they are well.
type Probe struct {
	What  string                               // as people say it: "GET /health on port 8080"
	Every time.Duration                        // the usual pause between two of them
	Ask   func(context.Context, Replica) error // nil: well. It is bounded by itself.
}

// Running is a release as the runtime has it.
type Running struct {
	Service   string
	ID        string // the deployment's
	Digest    string
	Spec      string
	Replicas  []Replica
	StoppedAt time.Time // when its last container ended; zero while one runs
}

// Up reports whether n replicas run.
func (r Running) Up(n int) bool {
	up := 0
	for _, replica := range r.Replicas {
		if replica.Running {
			up++
		}
	}
	return up >= n
}

// Image is what a pull learns.
type Image struct {
	Revision string // label org.opencontainers.image.revision, empty when absent or not 40 hex
}

// LogOptions choose container output.
type LogOptions struct {
	Follow bool
	Tail   int       // lines; 0 is all
	Since  time.Time // only what was written from then on; zero is all
}

// Runtime runs releases, in two phases: Pull, Start and Await; then Retire of the old one, or Halt of the new one.
// Every method can be called again after a crash and then finishes what was begun. Errors that another try may cure
// wrap ErrUnavailable.
type Runtime interface {
	// Preflight says why the machine cannot take the release, before anything is fetched: free disk (ErrNoSpace), the
	// memory for its copies where limits are set, the image's platform.
	Preflight(ctx context.Context, r Release) error
	// Pull makes the release's image available by digest and keeps it from being pruned. progress is called
	// from the calling goroutine.
	Pull(ctx context.Context, r Release, progress func(Report)) (Image, error)
	// Make creates the release's containers and starts none of them: it fails of what they could not be created for, whereas what
	// runs may go on. Start takes them as they are.
	Make(ctx context.Context, r Release) error
	// Start creates and starts the release's containers beside whatever runs. Containers of the same release that a
	// Halt stopped are started again, as they were made if r.Spec says so; what a crash left half-made is replaced.
	Start(ctx context.Context, r Release) error
	// Await returns once every replica is healthy by the service's rules, and sees to it that the engine restarts
	// them from then on. A replica that exits ends the wait at once. The error names what happened and holds the
	// last lines of output; running out of the health deadline is such an error and not ErrUnavailable. progress is
	// called from several goroutines.
	Await(ctx context.Context, r Release, progress func(Report)) ([]Replica, error)
	// Prober says how the replicas of a release are asked whether they are well, by the service's rules.
	Prober(ctx context.Context, r Release) (Probe, error)
	// RunOnce runs a command to its end in a container of its own, which is made like those of the release but publishes no
	// ports, and removes it. Its image has been pulled. What other ends of RunOnce have left of the service is removed first.
	// It fails with the exit code and the last lines of output when that is not 0. When ctx ends it stops the container as
	// Halt does; the error then wraps ctx.Err(). When nobody has said why ctx ended (its cause is context.Canceled), the program
	// stops: what does not end soon is left to Sweep. what is "before", say; output is called with each line, by one goroutine at
	// a time. None of the other methods takes such a container for the release's, but Retire removes it, too.
	RunOnce(ctx context.Context, r Release, what string, args []string, output func(line string)) error
	// Sweep stops and removes the containers of RunOnce that nobody waits for: what a crash left, or an engine that did
	// not answer.
	Sweep(ctx context.Context) error
	// Halt stops a release's containers and keeps them: SIGTERM, and SIGKILL after grace, where 0 is the stop time they
	// were made with. None is not an error.
	Halt(ctx context.Context, id string, grace time.Duration) error
	// Retire halts a release and removes its containers. None is not an error.
	Retire(ctx context.Context, id string) error
	// Shrink stops single containers of a release, in the stop time they were made with, and removes them. One that is gone is
	// no error.
	Shrink(ctx context.Context, id string, containers []string) error
	// Clean forgets the images of the service's releases that are not in keep, and removes those nothing else uses.
	Clean(ctx context.Context, service string, keep []string) error
	// Retained lists the deployments of a service whose images are kept: these can run without a registry.
	Retained(ctx context.Context, service string) ([]string, error)
	// Releases lists every release that is ours, running or not.
	Releases(ctx context.Context) ([]Running, error)
	// Restarts counts how often the engine by itself has started containers of a release again.
	Restarts(ctx context.Context, id string) (int, error)
	// Logs streams the output of a release's containers, one line a line, replicas told apart when there are several.
	Logs(ctx context.Context, id string, o LogOptions) (io.ReadCloser, error)
	// Watch calls changed with a service's name whenever one of its containers started or ended, until ctx ends or
	// the engine is lost. fate says what listings may not: "was killed for want of memory"; else it is empty. What has one is logged.
	Watch(ctx context.Context, changed func(service, fate string)) error
}

// Traffic sends the requests of the outside to releases.
//
// A drain waits until nothing that was in flight is, but event streams, and then ends those. WebSockets work on until the
// context's deadline and are closed in its last second. At the deadline it cuts what is left and says how many requests
// that were; what was closed by its protocol does not count. When the context is cancelled before, it leaves what is in
// flight alone: the same release may be pointed to again and takes it back. Now and then it says how many requests it waits
// for, from the calling goroutine.
type Traffic interface {
	// Point sends a service's traffic to a release. routes maps "host/prefix" to addresses ("172.18.0.3:8080"); a
	// worker has none and is recorded all the same; a route without addresses answers 503. It is on disk before traffic
	// moves: that is the commit point. drain is that of the release before; pointed to other addresses of the same
	// release, what is in flight stays, and drain waits for what is in flight at addresses that are no longer among them.
	Point(service, release string, routes map[string][]string) (drain func(ctx context.Context, left func(int)) (cut int), err error)
	// Claim points to a release that has no addresses yet, and holds its requests back as Pause does, in one step: none that waits
	// for a route meets one that leads nowhere.
	Claim(service, release string, routes map[string][]string) error
	// Pause holds new requests back, within bounds, until the next Point. The release stays the live one. Its drain does not
	// wait for WebSockets: they are closed as soon as nothing else is in flight.
	Pause(service string) (drain func(ctx context.Context, left func(int)) (cut int))
	// Settle says that all routes are what they should be: nothing is held back any longer for being only remembered.
	Settle()
	// Reroute gives services that are pointed to other routes, all of them in one step: at no moment has a route that goes from
	// one to another no service. Each stays with its release and, paused, paused. One whose routes are nil is removed; drains
	// are those of these, by service. An error means that nothing has changed.
	Reroute(routes map[string]map[string][]string) (drains map[string]func(ctx context.Context, left func(int)) (cut int), err error)
	// Live names the release of each service, as last pointed, across restarts.
	Live() map[string]string
	// Routed are the routes of each service, as Reroute is told of them, as last pointed, across restarts.
	Routed() map[string]map[string][]string
	// Answers counts what the release that a service points to has answered since this process points to it, and how
	// much of that failed: 5xx, the app's or for want of the app.
	Answers(service string) (all, failed uint64)
}

// Registry resolves tags.
type Registry interface {
	// Resolve returns the digest an image's tag points to. No such tag wraps ErrNotFound.
	Resolve(ctx context.Context, image, tag string) (digest string, err error)
	// Revision returns the commit an image says it was built from (label org.opencontainers.image.revision), or "".
	Revision(ctx context.Context, image, digest string) (commit string, err error)
}
