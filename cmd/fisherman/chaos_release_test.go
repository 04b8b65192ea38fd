package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	"fisherman/server"
)

// flaw is what is wrong with a release.
type flaw string

const (
	sound   flaw = "sound"
	crashes flaw = "crashes at its start"
	ailing  flaw = "never gets healthy"
	greedy  flaw = "wants more memory than it may have"
	sickens flaw = "gets sick while its predecessor is still warm"

	overtaken flaw = "has no image before a newer one has"
	calledOff flaw = "is cancelled before it has an image"
	already   flaw = "is live already"
)

// environment makes the test app behave so.
func (f flaw) environment() []string {
	return map[flaw][]string{crashes: {"EXIT=3"}, ailing: {"UNHEALTHY=1"}, greedy: {"EAT=200"}}[f]
}

// ends are the states that a deployment of such a release may truthfully end in, and words that its reason then has.
func (f flaw) ends() map[deployer.State]string {
	switch f {
	case crashes:
		return map[deployer.State]string{deployer.Failed: "exited with code 3", deployer.Superseded: ""}
	case ailing:
		return map[deployer.State]string{deployer.Failed: "not healthy", deployer.Superseded: ""}
	case greedy:
		return map[deployer.State]string{deployer.Failed: "memory", deployer.Superseded: ""}
	case sickens:
		return map[deployer.State]string{deployer.RolledBack: ""}
	case overtaken:
		return map[deployer.State]string{deployer.Superseded: "gave way to"}
	case calledOff:
		return map[deployer.State]string{deployer.Cancelled: "on request"}
	case already:
		return map[deployer.State]string{deployer.Unchanged: "is live already"}
	}
	return map[deployer.State]string{deployer.Succeeded: "", deployer.Superseded: "", deployer.Unchanged: ""}
}

// shipment is a version of a service's app that GitHub has announced.
type shipment struct {
	service, version, digest string
	flaw                     flaw
	deployments              []string // that the announcements led to, as the server said
	forgiven                 string   // a failure is truthful when its reason says so: the disk was full
	forgotten                bool     // the journal was taken away since
}

// ledger is what was announced, the oldest first.
type ledger struct {
	mu       sync.Mutex // guards releases
	releases []*shipment
}

func (l *ledger) add(r *shipment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.releases = append(l.releases, r)
}

func (l *ledger) accepted(r *shipment, ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if !slices.Contains(r.deployments, id) {
			r.deployments = append(r.deployments, id)
		}
	}
}

// all is a copy.
func (l *ledger) all() []shipment {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []shipment
	for _, r := range l.releases {
		c := *r
		c.deployments = slices.Clone(r.deployments)
		all = append(all, c)
	}
	return all
}

// change marks every release, or those of one service.
func (l *ledger) change(service string, mark func(*shipment)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.releases {
		if service == "" || r.service == service {
			mark(r)
		}
	}
}

// make pushes the next version of a service's image. It is not announced yet.
func (a *arena) make(service string, f flaw) *shipment {
	version := a.nextVersion(service)
	r := &shipment{service: service, version: version, flaw: f}
	r.digest = deployertest.Push(a.t, fmt.Sprintf("%s/o/%s:latest", a.registry, service), deployertest.Image{
		App:    a.app,
		Env:    append(f.environment(), "ARENA="+a.network, "VERSION="+service+" "+version), // what it answers
		Labels: map[string]string{"org.opencontainers.image.revision": commit(version)},
	})
	a.ledger.add(r)
	return r
}

func (a *arena) nextVersion(service string) string {
	return strconv.Itoa(1 + len(slices.DeleteFunc(a.ledger.all(), func(r shipment) bool { return r.service != service })))
}

// announce sends both of GitHub's webhooks until they are taken: whoever sees a failed delivery redelivers it, with the
// same id.
func (a *arena) announce(r *shipment) error {
	if err := a.tell(r, "push"); err != nil {
		return err
	}
	return a.tell(r, "package")
}

// tell sends one of them.
func (a *arena) tell(r *shipment, event string) error {
	d := a.newDelivery(event, r.version, r.digest, map[string]string{
		"repository": "o/" + r.service, "image": a.registry + "/o/" + r.service,
	})
	return until(fmt.Sprintf("the %s of version %s of %s to be taken", event, r.version, r.service), func() (bool, error) {
		status, answer, err := d.deliver(a.api)
		if err != nil || status != http.StatusAccepted && status != http.StatusOK {
			return false, cmpErr(err, fmt.Sprint(status, " ", answer))
		}
		var taken server.Delivery
		if err := json.Unmarshal([]byte(answer), &taken); err != nil {
			return false, err
		}
		var ids []string
		for _, one := range taken.Deployments {
			ids = append(ids, one.ID)
		}
		a.ledger.accepted(r, ids)
		return true, nil
	})
}

// shipping is announcements on their way.
type shipping struct {
	wait sync.WaitGroup
	mu   sync.Mutex // guards err
	err  error
}

// ship makes and announces a sound release of each service, side by side.
func (a *arena) ship(services ...string) *shipping {
	var releases []*shipment
	for _, service := range services {
		releases = append(releases, a.make(service, sound))
	}
	return a.announceAll(releases...)
}

func (a *arena) announceAll(releases ...*shipment) *shipping {
	s := &shipping{}
	for _, r := range releases {
		s.carry(func() error { return a.announce(r) })
	}
	return s
}

// carry sends something beside the others.
func (s *shipping) carry(send func() error) {
	s.wait.Go(func() {
		if err := send(); err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.err = err
		}
	})
}

// done waits until all are taken.
func (s *shipping) done() error {
	s.wait.Wait()
	return s.err
}
