package deployer

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// releasesKnown bounds how many of a service's releases are looked through for one to go back to.
const releasesKnown = 200

// clean lets go of images nobody can go back to.
func (l *lane) clean(ctx context.Context, retain int) error {
	if err := l.beginClean(ctx); err != nil {
		return err
	}
	defer l.endClean()
	keep, err := l.retained(retain)
	if err != nil {
		return err
	}
	return l.d.Runtime.Clean(ctx, l.service().Name, keep)
}

// beginClean waits for its turn. What becomes active meanwhile is not among what a clean keeps: its pull waits for the end. Where the
// service has left there is none: another lane may have the service by now.
func (l *lane) beginClean(ctx context.Context) error {
	select {
	case l.cleaning <- struct{}{}:
		return nil
	case <-l.leave:
		return errRemoved
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// endCleans waits for a clean under way when the service has left, and lets none begin.
func (l *lane) endCleans(ctx context.Context) {
	select {
	case l.cleaning <- struct{}{}:
	case <-ctx.Done():
	}
}

func (l *lane) endClean() { <-l.cleaning }

// retained are the releases whose images are kept: the live one, what is on its way, those to go back to and, after a
// rollback, the newer ones that may be gone forward to.
func (l *lane) retained(retain int) ([]string, error) {
	past, err := l.d.Journal.Succeeded(l.service().Name, releasesKnown)
	if err != nil {
		return nil, err
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	var keep []string
	for _, j := range l.active {
		keep = append(keep, j.ID, j.origin(), j.Replaces)
	}
	if l.live != nil {
		keep = append(keep, l.live.ID, l.live.origin())
	}
	for _, t := range slices.Concat(past[:min(1, len(past), retain)], l.targets(past, l.live, retain), l.targets(past, newest(past), retain)) {
		keep = append(keep, t.ID, t.origin())
	}
	return keep, nil
}

func newest(past []Deployment) *Deployment {
	if len(past) == 0 {
		return nil
	}
	return &past[0]
}

// targets are the releases before another one, newest first, each once.
func (l *lane) targets(past []Deployment, from *Deployment, most int) []Deployment {
	var targets []Deployment
	for at := previous(past, from, l.service().Image); at != nil && len(targets) < most; at = previous(past, at, l.service().Image) {
		targets = append(targets, *at)
	}
	return targets
}

// cleanThoroughly frees what can be freed without ending what runs: releases that stopped, the images of all but one
// earlier release of each service, and those of services that have left the configuration, before their day is over.
func (d *Deployer) cleanThoroughly(ctx context.Context) error {
	releases, err := d.list(ctx)
	for name, its := range byService(releases) {
		if done, mine := d.beginRemoval(name); mine {
			err = errors.Join(err, d.remove(ctx, slices.DeleteFunc(its, func(r Running) bool { return r.Up(1) })))
			done()
		}
	}
	for _, l := range d.lanes() {
		if !doubted(l.adopted) { // nobody knows yet what it needs
			continue
		}
		for _, r := range releases {
			if r.Service == l.service().Name && !r.Up(1) && l.isLeftover(r.ID) {
				err = errors.Join(err, d.Runtime.Retire(ctx, r.ID))
			}
		}
		if failed := l.clean(ctx, min(1, l.service().Retain)); !errors.Is(failed, errRemoved) {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// remove takes releases of a service that has left the configuration off the engine, and the images that are not in use.
func (d *Deployer) remove(ctx context.Context, its []Running) (failed error) {
	for _, r := range its {
		failed = errors.Join(failed, d.Runtime.Retire(ctx, r.ID))
	}
	if len(its) > 0 {
		failed = errors.Join(failed, d.Runtime.Clean(ctx, its[0].Service, nil))
	}
	return failed
}

// isLeftover reports whether nobody needs a release: it is neither live, nor on its way, nor may it be switched back to, and has
// no requests. Of a service that has left nobody here knows.
func (l *lane) isLeftover(id string) bool {
	return !l.isRemoved() && !slices.Contains(l.needed(), id) && !l.d.isDraining(id)
}

// needed are the releases that are live, on their way, or may be switched back to.
func (l *lane) needed() (ids []string) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	for _, j := range l.active {
		ids = append(ids, j.ID, j.Replaces)
	}
	if l.live != nil {
		ids = append(ids, l.live.ID)
	}
	return ids
}

// Rollbacks lists the deployments whose releases can be gone back to without a pull, newest first.
func (d *Deployer) Rollbacks(ctx context.Context, service string) ([]Deployment, error) {
	l := d.lanes()[service]
	if l == nil {
		return nil, d.unknown(service)
	}
	past, err := d.Journal.Succeeded(service, releasesKnown)
	if err != nil {
		return nil, err
	}
	images, err := d.Runtime.Retained(ctx, service)
	if err != nil {
		return nil, fmt.Errorf("list retained images: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(l.targets(past, l.live, l.service().Retain), func(t Deployment) bool {
		return !slices.Contains(images, t.origin())
	}), nil
}
