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
}

// Replica is one container of a release.
type Replica struct {
	Container string // id
	Address   string // IP address on the network, empty while it does not run
	Running   bool
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
	Tail   int // lines; 0 is all
}

// Runtime runs releases, in two phases: Pull, Start and Await; then Retire of the old one, or Halt of the new one.
// Every method can be called again after a crash and then finishes what was begun. Errors that another try may cure
// wrap ErrUnavailable.
type Runtime interface {
	// Pull makes the release's image available by digest and keeps it from being pruned. progress is called with
	// short texts, from the calling goroutine.
	Pull(ctx context.Context, r Release, progress func(string)) (Image, error)
	// Start creates and starts the release's containers beside whatever runs. Containers of the same release that a
	// Halt stopped are started again; what a crash left half-made is replaced.
	Start(ctx context.Context, r Release) error
	// Await returns once every replica is healthy by the service's rules, and sees to it that the engine restarts
	// them from then on. A replica that exits ends the wait at once. The error names what happened and holds the
	// last lines of output; running out of the health deadline is such an error and not ErrUnavailable.
	Await(ctx context.Context, r Release, progress func(string)) ([]Replica, error)
	// Halt stops a release's containers (SIGTERM, its stop time, SIGKILL) and keeps them. None is not an error.
	Halt(ctx context.Context, id string) error
	// Retire halts a release and removes its containers. None is not an error.
	Retire(ctx context.Context, id string) error
	// Clean forgets the images of the service's releases that are not in keep, and removes those nothing else uses.
	Clean(ctx context.Context, service string, keep []string) error
	// Releases lists every release that is ours, running or not.
	Releases(ctx context.Context) ([]Running, error)
	// Logs streams the output of a release's containers, one line a line, replicas told apart when there are several.
	Logs(ctx context.Context, id string, o LogOptions) (io.ReadCloser, error)
	// Watch calls changed with a service's name whenever one of its containers started or ended, until ctx ends or
	// the engine is lost.
	Watch(ctx context.Context, changed func(service string)) error
}

// Traffic sends the requests of the outside to releases.
type Traffic interface {
	// Point sends a service's traffic to a release. routes maps "host/prefix" to addresses ("172.18.0.3:8080"); a
	// worker has none and is recorded all the same. It is on disk before traffic moves: that is the commit point.
	// drain waits until nothing counted on what pointed before is in flight; when ctx ends it closes what is left and
	// says how many that were.
	Point(service, release string, routes map[string][]string) (drain func(context.Context) (cut int), err error)
	// Remove takes a service's routes away.
	Remove(service string) (drain func(context.Context) (cut int), err error)
	// Live names the release of each service, as last pointed, across restarts.
	Live() map[string]string
}

// Registry resolves tags.
type Registry interface {
	// Resolve returns the digest an image's tag points to. No such tag wraps ErrNotFound.
	Resolve(ctx context.Context, image, tag string) (digest string, err error)
	// Revision returns the commit an image says it was built from (label org.opencontainers.image.revision), or "".
	Revision(ctx context.Context, image, digest string) (commit string, err error)
}
