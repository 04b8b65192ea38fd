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
	Environment map[string]Secret // often passwords
	Args        []string          // overrides the image's CMD when not empty
	Strategy    Strategy          //
	Drain       time.Duration     // how long requests in flight on the old release may take
	Stop        time.Duration     // from SIGTERM to SIGKILL
	Bake        time.Duration     // how long the old release stays warm after the switch; 0: not at all
	Retain      int               // releases kept for rollback, the live one not counted
	Resources   Resources         //
	Volumes     []Volume          //
	Ports       []Port            // of the machine, for what is not HTTP
	Entrypoint  []string          // overrides the image's ENTRYPOINT when not empty; its CMD then counts no longer
	User        string            // user[:group], names or numbers; empty: the image's
	ExtraHosts  []string          // "name:address", the address an IP or host-gateway
	Labels      map[string]string // of the containers, beside fisherman's own; no name begins with "fisherman."
	CapAdd      []string          // capabilities beyond the engine's usual ones, without CAP_; "ALL" for all; sorted
	CapDrop     []string          // the same of those taken away
	ReadOnly    bool              // the container's own file system
	Tmpfs       []Tmpfs           //
	Files       []File            // sorted by their targets
	Before      Task              // ends well before anything of a new release is started
	After       Task              // runs once a new release is live
	Written     map[string]string // by the keys of arguments that take something from the environment ("before.args[0]"), what is shown of them
	Lacks       string            // what of all this could not be read at the start, and why; empty: nothing. No container can be made until then
}

// Task is a command that runs to its end in a container of its own, made like those of the service.
type Task struct {
	Args     []string      // in place of the image's CMD; none: there is nothing to run
	Deadline time.Duration // for all of it
}

// Resources bound what each container may take; zero is no bound.
type Resources struct {
	Memory int64   `json:",omitempty"` // bytes, swap included
	CPUs   float64 `json:",omitempty"` // 1.5 is one and a half cores
	PIDs   int64   `json:",omitempty"` // processes and threads
}

// Volume is a directory or a named volume inside the containers.
type Volume struct {
	Source   string // an absolute path of the machine, or the name of a volume, made when missing
	Target   string // an absolute path in the container
	ReadOnly bool
}

// Tmpfs is a directory of the container that is memory, empty at each start.
type Tmpfs struct {
	Target  string // an absolute path in the container
	Options string // of mount(8), joined by commas: "size=64m,mode=0700"; empty: the engine's
}

// Port is a port of the machine that leads to one of the container's.
type Port struct {
	Address   string // IP address to listen on; empty: all
	Host      int
	Container int
	Protocol  string // "tcp" or "udp"
}

// Route sends the requests of a host, below a path prefix of whole segments, to a port of the service's containers.
type Route struct {
	Host     string // lower-cased
	Prefix   string // begins with "/"
	Port     int
	TLS      TLS
	ClientCA string // a PEM file: who asks for Host shows a certificate that one of these has signed; empty: anybody may
}

// TLS says where a route's host gets its certificate from. The zero value is TLSAuto.
type TLS string

const (
	TLSAuto  TLS = "auto"  // from a file where one covers the host, else by ACME
	TLSFiles TLS = "files" // from a file
	TLSOff   TLS = "off"   // nowhere: plain HTTP stays plain
)

// Health says when a new release may take traffic.
type Health struct {
	Path      string        // GET, 2xx; empty: the image's own HEALTHCHECK, else a TCP connect, else it must run 5 s
	Port      int           // for Path; 0 when the service has neither a health port nor a route
	Deadline  time.Duration // give up on the new release
	Successes int           // in a row
}

// Spec is a hash of the configuration that makes a container: two containers with the same digest and the same spec
// are interchangeable. Routes, replicas, health and the manner of switching do not make a container and do not count.
// It is empty, and nobody knows it, while the service lacks something.
func (s Service) Spec() string {
	if s.Lacks != "" {
		return ""
	}
	inClear, sealed := written(s.Environment)
	raw, err := json.Marshal(struct {
		Image       string
		Environment map[string]string // what is in clear, since the values make the hash
		Sealed      map[string]string `json:",omitempty"` // ciphertexts: what sealed the same text anew makes other containers
		Args        []string
		Stop        time.Duration
		Resources   Resources `json:",omitzero"` // absent as in what older versions made
		Volumes     []Volume  `json:",omitempty"`
		Ports       []Port    `json:",omitempty"`

		Entrypoint      []string          `json:",omitempty"`
		User            string            `json:",omitempty"`
		ExtraHosts      []string          `json:",omitempty"`
		Labels          map[string]string `json:",omitempty"`
		CapAdd, CapDrop []string          `json:",omitempty"`
		ReadOnly        bool              `json:",omitempty"`
		Tmpfs           []Tmpfs           `json:",omitempty"`
		Files           []fileSpec        `json:",omitempty"`
	}{
		s.Image, inClear, sealed, s.Args, s.Stop, s.Resources, s.Volumes, s.Ports,
		s.Entrypoint, s.User, s.ExtraHosts, s.Labels, s.CapAdd, s.CapDrop, s.ReadOnly, s.Tmpfs,
		fileSpecs(s.Files),
	})
	if err != nil {
		panic("deployer: a service is plain data: " + err.Error())
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// made reports whether what was made with a spec is what this configuration makes, as far as anybody knows.
func (s Service) made(spec string) bool { return spec == "" || s.Lacks != "" || spec == s.Spec() }

// written are secrets as they are at hand.
func written(secrets map[string]Secret) (inClear, sealed map[string]string) {
	if secrets == nil {
		return nil, nil
	}
	inClear, sealed = map[string]string{}, map[string]string{}
	for name, s := range secrets {
		if s.IsSealed() {
			sealed[name] = s.written()
		} else {
			inClear[name] = s.written()
		}
	}
	return inClear, sealed
}

// Reference is what the service follows, as people write it: "ghcr.io/owner/name:latest".
func (s Service) Reference() string { return s.Image + ":" + s.Tag }
