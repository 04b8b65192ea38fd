package deployer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Strategy says how a new release takes the place of the old one.
type Strategy string

const (
	// BlueGreen starts the new release beside the old one and switches once it is healthy. The default.
	BlueGreen Strategy = "blue-green"
	// Recreate stops the old release first, for what must not run twice; it is started again when the new one fails.
	Recreate Strategy = "recreate"
)

// Service is what the configuration says of one app, with every default filled in.
type Service struct {
	Name        string            // a DNS label of at most 40 characters
	Repository  string            // "owner/name", lower-cased
	Follow      string            // the branch whose pushes are deployed
	Image       string            // without tag or digest: "ghcr.io/owner/name"
	Tag         string            // the tag that is followed
	Replicas    int               // at least 1
	Routes      []Route           // none for a worker
	Health      Health            //
	Environment map[string]string // may hold secrets: never logged, never in an answer
	Args        []string          // overrides the image's CMD when not empty
	Strategy    Strategy          //
	Drain       time.Duration     // how long requests in flight on the old release may take
	Stop        time.Duration     // from SIGTERM to SIGKILL
	Retain      int               // releases kept for rollback, the live one not counted
}

// Route sends the requests of a host, below a path prefix of whole segments, to a port of the service's containers.
type Route struct {
	Host   string // lower-cased
	Prefix string // begins with "/"
	Port   int
	Plain  bool // `tls: off`: plain HTTP stays plain
}

// Health says when a new release may take traffic.
type Health struct {
	Path      string        // GET, 2xx; empty: the image's own HEALTHCHECK, else a TCP connect, else it must run 5 s
	Port      int           // for Path; 0 when the service has neither a health port nor a route
	Deadline  time.Duration // give up on the new release
	Successes int           // in a row
}

// Spec is a hash of the configuration that makes a container: two containers with the same digest and the same spec
// are interchangeable. Routes, replicas, health and the manner of switching do not make a container and do not count.
func (s Service) Spec() string {
	raw, err := json.Marshal(struct {
		Image       string
		Environment map[string]string
		Args        []string
		Stop        time.Duration
	}{s.Image, s.Environment, s.Args, s.Stop})
	if err != nil {
		panic("deployer: a service is plain data: " + err.Error())
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// Reference is what the service follows, as people write it: "ghcr.io/owner/name:latest".
func (s Service) Reference() string { return s.Image + ":" + s.Tag }
