package deployer

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// follow keeps routes and live containers together until ctx ends: a restarted container's new address is taken over,
// a live container that somebody killed is started again, backing off. What the runtime reports is looked at at once;
// a slow tick catches what it missed.
func (d *Deployer) follow(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { d.watch(ctx) })
	defer parts.Wait()
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		heard := false
		select {
		case <-d.kick:
			heard = true
		case <-again.C:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		_ = d.keepUp(ctx, &parts) // list has told; apps keep the addresses they had
		switch next := d.nextStart(time.Now()); {
		case heard: // an engine tells of an end before it lists it
			again.Reset(300 * time.Millisecond)
		case next > 0:
			again.Reset(next)
		}
	}
}

// nextStart is the time until a live container may be started again that did not stay up; 0 when there is none.
func (d *Deployer) nextStart(now time.Time) (next time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lanes() {
		if wait := l.startAt.Sub(now); wait > 0 && l.isShortLocked() && (next == 0 || wait < next) {
			next = wait
		}
	}
	return next
}

// look makes follow look at the containers soon.
func (d *Deployer) look() { offer(d.kick) }

// watch turns the runtime's events into looks; a lost stream is opened again. When an engine comes back its containers
// may have traded addresses: the first listing must come soon, and until then no replica joins a rotation.
func (d *Deployer) watch(ctx context.Context) {
	pause := time.Duration(0)
	for ctx.Err() == nil {
		begun := time.Now()
		err := d.Runtime.Watch(ctx, d.heard)
		if ctx.Err() != nil {
			return
		}
		d.setDown(fmt.Errorf("lost the events of the container engine: %w", err))
		for _, l := range d.lanes() {
			l.lose()
		}
		if time.Since(begun) > time.Second {
			pause = 0
		}
		pause = min(max(2*pause, 100*time.Millisecond), 400*time.Millisecond)
		_ = sleep(ctx, pause) // the loop's condition tells
		d.look()
	}
}

// heard takes the news that a container of a service started or ended.
func (d *Deployer) heard(service, fate string) {
	if l := d.lanes()[service]; l != nil {
		l.suspect(fate)
	}
	d.look()
}

// offer puts one token into a channel that has room for one.
func offer(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// keepUp sees to it that what is live runs and is pointed at, and that what belongs to no service does not run. It points
// all routes before anything is started, since that may get an address that another container had. What takes time goes on
// in work: one service's trouble does not keep the others waiting.
func (d *Deployer) keepUp(ctx context.Context, work *sync.WaitGroup) error {
	if err := d.isRestored(); err != nil {
		return err
	}
	// As of before the listing: it has what is live unless somebody removed that, and what it says of others may be over. What is
	// live of a service that has just come is yet to be found out.
	live, needed := map[*lane]*Deployment{}, map[*lane][]string{}
	for _, l := range d.lanes() {
		if doubted(l.adopted) {
			live[l], needed[l] = l.liveNow(), l.needed()
		}
	}
	comers, begun := d.comers(), time.Now()
	releases, err := d.list(ctx)
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	d.adoptNew(comers, releases)
	d.becomeAtLast()
	for l, at := range live {
		l.seeLive(at, releases, begun)
	}
	d.renameNow()
	for l, at := range live {
		work.Go(func() { l.keepUp(ctx, at, needed[l], releases) })
	}
	work.Go(func() { d.haltRemoved(ctx, releases) })
	work.Go(func() { d.sweepUp(ctx) })
	return nil
}
