package deployer

import "time"

// Journal is what must survive a crash.
type Journal interface {
	// Commit writes a change whole or not at all. It is on disk when Commit returns nil.
	Commit(Change) error
	// Load returns what was promised and is not done.
	Load() (Memory, error)
	// Deployment returns one by id; ErrNotFound.
	Deployment(id string) (Deployment, error)
	// Deployments lists the newest first, of one service or, with an empty name, of all.
	Deployments(service string, limit int) ([]Deployment, error)
	// Steps lists the steps of all deployments with a Tick after this one, the lowest first, each as the deployment is by now.
	Steps(after int64, limit int) ([]Passed, error)
	// Succeeded lists the newest first of those that succeeded.
	Succeeded(service string, limit int) ([]Deployment, error)
	// Judged reports whether a deployment of this digest has ended here as succeeded, failed, rolled back or superseded.
	Judged(service, digest string) (bool, error)
	// Delivery returns the deployments that a delivery led to; known is false for one never recorded.
	Delivery(repository, id string) (deployments []string, known bool, err error)
}

// Change is one step of the journal. Its zero value changes nothing.
type Change struct {
	Deployments []Deployment     // written over what is there under their ids
	Delivery    *Delivery        // recorded
	Orders      map[string]Order // by service
	Lookups     []Lookup         // written; one that is Done is forgotten
}

// Passed is one step of a deployment.
type Passed struct {
	Deployment Deployment
	Step       int // its index
}

// Delivery is a webhook that led to something.
type Delivery struct {
	Repository, ID string
	Deployments    []string
	At             time.Time
}

// Lookup is a promise to look a service's own tag up until it equals a digest that GitHub announced under another
// tag. It is identified by service and digest.
type Lookup struct {
	Service string
	Since   time.Time
	Tried   int // how often
	Done    bool
	Trigger Trigger // what announced it: digest, commit, sender
}

// Memory is what a starting deployer needs to know.
type Memory struct {
	Active  []Deployment // not ended, oldest arrival first
	Orders  map[string]Order
	Lookups []Lookup
	Arrival int64 // the highest one given, or tick of a step
}
