package deployer

import (
	"context"
	"errors"
	"slices"
	"time"
)

// scale makes the live release run as many replicas as its service is to have: the missing ones are started beside those that
// run and get requests once they are well, those that can be done without are stopped once their requests are done. None is replaced.
func (l *lane) scale(ctx context.Context, live Deployment, r Running) {
	want := l.service().Replicas
	switch have, enough := len(r.Replicas), l.enough(r.Replicas, want); {
	case have < want && l.dueToScale(live, true):
		l.grow(ctx, live, have, want)
	case have > enough && l.dueToScale(live, false):
		l.shrink(ctx, live, r.Replicas[:enough], r.Replicas[enough:])
	}
}

// enough is how many of the replicas, from the first on, it takes for as many to be well as there are to be, or as are well at all. Those
// with the lowest numbers stay, since these are what a release has when it is started again. While one has yet to answer nobody
// knows, and none is too many.
func (l *lane) enough(all []Replica, want int) (enough int) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if slices.ContainsFunc(all, l.vitals.isUnknown) {
		return len(all)
	}
	all = l.vitals.judged(all)
	for most := min(want, countWell(all)); enough < len(all) && (enough < want || countWell(all[:enough]) < most); {
		enough++
	}
	return enough
}

// howManyWell is how many of some replicas are well.
func (l *lane) howManyWell(replicas []Replica) int {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return countWell(l.vitals.judged(replicas))
}

func countWell(judged []Replica) (well int) {
	for _, r := range judged {
		if r.Healthy {
			well++
		}
	}
	return well
}

// dueToScale paces what does not work. A release that is about to be replaced is not worth it, and neither is one that is not
// all there. One whose configuration is forgotten cannot get more.
func (l *lane) dueToScale(live Deployment, more bool) bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	now := time.Now()
	switch {
	case !l.servesLocked(live.ID) || l.busyLocked() || l.isShortLocked():
		return false
	case more && l.isForgottenLocked():
		return false
	case now.Before(l.scaleAt):
		return false
	}
	l.scalePause = min(max(2*l.scalePause, time.Second), startPauseMost)
	l.scaleAt = now.Add(l.scalePause)
	return true
}

// isForgottenLocked reports whether nobody knows the configuration any more that the live release was made with, as is so when
// today's was refused and the program started again.
func (l *lane) isForgottenLocked() bool {
	if l.live == nil || l.live.Spec == "" || l.live.Spec == l.service().Spec() {
		return false
	}
	_, known := l.earlier[l.live.Spec]
	return !known
}

func (l *lane) grow(ctx context.Context, live Deployment, have, want int) {
	ctx, stop := context.WithTimeout(ctx, startDeadline+l.service().Health.Deadline)
	defer stop()
	done, due := l.claimStart(live.ID, stop)
	if !due {
		return
	}
	defer done()
	log := l.about(live.ID)
	log.Info().Int("from", have).Int("to", want).Msg("starting more replicas")
	release := l.releaseOf(live)
	release.Service.Replicas = want
	err := l.d.Runtime.Start(ctx, release)
	l.d.look()
	if err == nil { // from then on the engine restarts them, too
		_, err = l.d.Runtime.Await(ctx, release, func(Report) {})
	}
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) { // else it gives way to another
		log.Error().Err(err).Msg("cannot run more replicas; those there were go on, and it is tried again")
	}
}

func (l *lane) shrink(ctx context.Context, live Deployment, stay, surplus []Replica) {
	service, well := l.service(), l.howManyWell(stay)
	ctx, stop := context.WithTimeout(ctx, service.Drain+service.Stop+retireDeadline)
	defer stop()
	log := l.about(live.ID)
	log.Info().Int("surplus", len(surplus)).Msg("stopping the replicas that are too many")
	defer l.part(nil)
	ids, drain, err := l.turnFrom(live.ID, surplus)
	if drain != nil {
		drainUntil(ctx, l.leave, service.Drain, drain)
		switch {
		case !l.serves(live.ID): // they are another one's to keep, or to stop
		case l.service().Replicas > len(stay) || l.howManyWell(stay) < well:
			log.Info().Msg("the replicas that were too many are needed after all; they go on")
		default:
			err = l.d.Runtime.Shrink(ctx, live.ID, ids)
		}
	}
	if err != nil {
		log.Error().Err(err).Msg("cannot stop the replicas that are too many; trying again")
	}
	l.d.look()
}

// turnFrom takes the requests away from what is about to be removed of the live release. Nobody else points the traffic between
// the two: the drain would be theirs. Without one there is nothing to do: the release serves no more.
func (l *lane) turnFrom(live string, surplus []Replica) (ids []string, drain func(context.Context, func(int)) int, err error) {
	l.d.switching.Lock()
	defer l.d.switching.Unlock()
	if !l.serves(live) {
		return nil, nil, nil
	}
	l.catchUp() // first: Reroute drains nothing
	ids = l.part(surplus)
	drain, err = l.turnNow()
	return ids, drain, err
}

// serves reports whether a release is live, and is to stay so at this moment.
func (l *lane) serves(id string) bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.servesLocked(id)
}

func (l *lane) servesLocked(id string) bool {
	return !l.removed && !l.halted && l.live != nil && l.live.ID == id
}

// part keeps requests from containers that are about to be removed.
func (l *lane) part(from []Replica) (ids []string) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	for _, r := range from {
		ids = append(ids, r.Container)
		delete(l.vitals, r.Container)
	}
	l.parting = ids
	l.replicas = l.stayingLocked(l.replicas)
	return ids
}

// stayingLocked are the replicas that are not about to be removed.
func (l *lane) stayingLocked(replicas []Replica) []Replica {
	return slices.DeleteFunc(slices.Clone(replicas), func(r Replica) bool { return slices.Contains(l.parting, r.Container) })
}
