package deployer

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Names makes the names of services resolve, for the apps themselves.
type Names interface {
	// SetNames says where each service's name leads from now on, and no other does: to these addresses ("172.18.0.3"). It returns
	// once whoever asks anew is told so.
	SetNames(addresses map[string][]string) error
}

// rename makes the names of services lead to what is live, and nowhere else. What fails is tried again with the next look at
// the containers. The caller holds switching.
func (d *Deployer) rename() {
	if d.Names == nil {
		return
	}
	addresses, known := d.named()
	if !known || d.renamed != nil && maps.EqualFunc(addresses, d.renamed, slices.Equal) {
		return
	}
	if err := d.Names.SetNames(addresses); err != nil {
		d.Log.Error().Err(err).Msg("cannot make the names of services lead to what is live; trying again")
		d.renamed = nil
		return
	}
	d.renamed = addresses
}

// renameNow is rename for who does not hold switching.
func (d *Deployer) renameNow() {
	d.switching.Lock()
	defer d.switching.Unlock()
	d.rename()
}

// named is where the name of each service leads. It is not known before all that runs has been seen.
func (d *Deployer) named() (addresses map[string][]string, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	addresses = map[string][]string{}
	for service, l := range d.lanes() {
		if l.live != nil && !l.halted {
			addresses[service] = namedAddresses(l.vitals.judged(l.replicas))
		}
	}
	return addresses, !d.restored.IsZero()
}

// namedAddresses are those of the replicas that are well; where none is, those of all that run: who calls by name learns more
// from what they answer than from a name that is unknown.
func namedAddresses(replicas []Replica) []string {
	var well, up []string
	for _, r := range replicas {
		if !r.Running || r.Address == "" {
			continue
		}
		up = append(up, r.Address)
		if r.Healthy {
			well = append(well, r.Address)
		}
	}
	if len(well) == 0 {
		well = up
	}
	slices.Sort(well)
	return well
}

// linger keeps the old release while others may go on using what they had looked up before the switch.
func (l *lane) linger(ctx context.Context, j *job, begun time.Time) {
	s := l.release(j).Service
	replaced := l.now(j).Replaces != "" && s.Strategy != Recreate && l.d.Names != nil
	if left := lingering(replaced, len(l.d.lanes())-1, min(s.Drain, l.d.Recall), time.Since(begun)); left > 0 {
		_ = sleep(ctx, left) // its end is seen by whoever comes next
	}
}

// lingering is how much longer a release stays that gets no new requests. Nobody calls it by its name where there is nobody
// else.
func lingering(replaced bool, others int, recall, since time.Duration) time.Duration {
	if !replaced || others == 0 {
		return 0
	}
	return max(0, recall-since)
}
