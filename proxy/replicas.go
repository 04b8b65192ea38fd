package proxy

import (
	"slices"
	"sync/atomic"
	"time"
)

// avoidance is how long a replica that refused a connection is asked last. Long enough to spare most requests the
// attempt, short enough that one which comes back is soon used again.
const avoidance = 2 * time.Second

// replica is one address that answers for a route.
type replica struct {
	address  string
	inFlight atomic.Int64
	refused  atomic.Int64 // when it last refused a connection, in Unix nanoseconds; 0: never
}

// replicas are the addresses behind one route.
type replicas struct {
	all  []*replica
	turn atomic.Uint64 // where the next search begins, so that ties go round
}

func newReplicas(addresses []string) *replicas {
	r := &replicas{}
	for _, address := range addresses {
		r.all = append(r.all, &replica{address: address})
	}
	return r
}

// keep puts the replicas of before that have the same address in the place of the new ones, with all that is known
// about them. It must be called before the first pick.
func (r *replicas) keep(before *replicas) {
	for i, fresh := range r.all {
		for _, old := range before.all {
			if old.address == fresh.address {
				r.all[i] = old
			}
		}
	}
}

// pick counts a request on the replica with the fewest in flight. One that refused a connection of late is taken only
// when there is no other, and one of tried never: then pick returns nil.
func (r *replicas) pick(tried []*replica) *replica {
	var best *replica
	var lowest int64
	start := r.turn.Add(1)
	for i := range r.all {
		candidate := r.all[(start+uint64(i))%uint64(len(r.all))]
		if tried != nil && slices.Contains(tried, candidate) {
			continue
		}
		if load := candidate.load(); best == nil || load < lowest {
			best, lowest = candidate, load
		}
	}
	if best != nil {
		best.inFlight.Add(1)
	}
	return best
}

// load orders replicas: by what is in flight, all that refused of late behind all others.
func (r *replica) load() int64 {
	const last = 1 << 62
	load := r.inFlight.Load()
	if at := r.refused.Load(); at != 0 && time.Since(time.Unix(0, at)) < avoidance {
		load += last
	}
	return load
}

func (r *replica) markRefused() { r.refused.Store(time.Now().UnixNano()) }
