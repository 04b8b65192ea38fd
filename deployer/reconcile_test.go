package deployer_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// configure gives the running Deployer another configuration and lets it settle.
func (r *rig) configure(services ...deployer.Service) {
	r.Helper()
	if err := r.Reconcile(services); err != nil {
		r.Fatal(err)
	}
	r.services = services
	r.settle()
}

// newest is the newest deployment of a service.
func (r *rig) newest(service string) deployer.Deployment {
	r.Helper()
	all, err := r.Deployments(service, 1)
	if err != nil || len(all) != 1 {
		r.Fatalf("the newest deployment of %s: %v, %v", service, all, err)
	}
	return all[0]
}

// containers are the ids of a service's replicas that run.
func (r *rig) containers(service string) (ids []string) {
	for _, running := range r.releases() {
		for _, replica := range running.Replicas {
			if running.Service == service && replica.Running {
				ids = append(ids, replica.Container)
			}
		}
	}
	return ids
}

// second is another service beside web.
func second() deployer.Service {
	s := web()
	s.Name, s.Repository, s.Image = "two", "o/two", "ghcr.io/o/two"
	s.Routes = []deployer.Route{{Host: "b.pl", Prefix: "/", Port: 8080}}
	return s
}

// third is one more.
func third() deployer.Service {
	s := on(second(), "c.pl")
	s.Name, s.Repository, s.Image = "three", "o/three", "ghcr.io/o/three"
	return s
}

func packagedFor(s deployer.Service, n int) deployer.Trigger {
	t := packaged(n)
	t.Repository, t.Image, t.Delivery = s.Repository, s.Image, fmt.Sprint(s.Name, "-", t.Delivery)
	return t
}

func (r *rig) hasImage(s deployer.Service, tag string, n int) {
	r.registry.mu.Lock()
	defer r.registry.mu.Unlock()
	r.registry.digests[s.Image+":"+tag], r.registry.revisions[digest(n)] = digest(n), commit(n)
}

func TestWithoutAChangeNothingHappens(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		calls, told := r.runtime.Calls(), len(r.observed)
		for range 3 {
			r.configure(web())
		}
		if after := r.runtime.Calls(); !slices.Equal(after, calls) || len(r.observed) != told || r.traffic.reroutes != 0 {
			r.Errorf("the same configuration led to %q, %d steps and %d changes of routes", after[len(calls):], len(r.observed)-told, r.traffic.reroutes)
		}
		r.serves(id)
	})
}

func TestAServiceThatIsAddedIsDeployed(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		two := second()
		r.hasImage(two, "latest", 5)
		r.configure(web(), two)
		d := r.newest("two")
		if d.State != deployer.Succeeded || d.Digest != digest(5) || len(r.traffic.routed("two")["b.pl/"]) != 1 {
			r.Errorf("two has %+v and routes %v", d, r.traffic.routed("two"))
		}
		r.serves(id)
		if got := r.deliver(packagedFor(two, 6)); len(got.Deployments) != 1 {
			r.Errorf("a webhook for it leads to %+v", got)
		}
	})
}

func TestAServiceThatIsRemovedLeavesAtOnceAndComesBack(t *testing.T) {
	two := second()
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		live := r.submit(packagedFor(two, 5))
		r.is(live, deployer.Succeeded)
		container := r.containers("two")
		let := r.held(6, deployer.Verifying)
		underWay, waiting := r.submit(packagedFor(two, 6)), ""
		push := pushed(7)
		push.Repository = two.Repository
		waiting = r.submit(push)
		r.configure(web())
		if _, there := r.traffic.Live()["two"]; there {
			r.Error("its routes are still there")
		}
		if _, err := r.Deployments("two", 1); !errors.Is(err, deployer.ErrNotFound) {
			r.Errorf("its deployments: %v", err)
		}
		r.because(underWay, deployer.Cancelled, "no longer in the configuration")
		r.because(waiting, deployer.Cancelled, "no longer in the configuration")
		r.pass(30 * time.Second)
		if up := r.up("two"); len(up) > 0 {
			r.Errorf("%q run", up)
		}
		r.serves(id)
		let()
		r.configure(web(), two)
		r.pass(15 * time.Second)
		if up := r.containers("two"); !slices.Equal(up, container) || r.traffic.Live()["two"] != live {
			r.Errorf("back in the configuration %q run and traffic goes to %s, want %q of %s", up, r.traffic.Live()["two"], container, live)
		}
		r.configure(web())
		r.pass(25 * time.Hour)
		for _, left := range r.releases() {
			if left.Service == "two" {
				r.Errorf("%+v is left a day later", left)
			}
		}
	}, web(), two)
}

// A service is stopped only once its requests are done. Mutant: haltRemoved without beginRemoval.
func TestWhatIsRemovedIsStoppedAfterItsDrain(t *testing.T) {
	two := second()
	inBubble(t, func(r *rig) {
		r.deployed(1)
		live := r.submit(packagedFor(two, 5))
		drained := r.traffic.holdDrains()
		r.configure(web())
		r.pass(20 * time.Second)
		if up := r.up("two"); !slices.Equal(up, []string{live}) {
			r.Fatalf("%q run while requests are in flight, want %s", up, live)
		}
		drained()
		r.settle()
		r.pass(time.Second)
		if up := r.up("two"); len(up) > 0 {
			r.Errorf("%q run after the drain", up)
		}
	}, web(), two)
}

// What is new waits for nothing that another service has to end. Mutant: haltRemoved that stops one service after another.
func TestWhatIsNewDoesNotWaitForWhatIsRemoved(t *testing.T) {
	two, three := second(), second()
	three.Name, three.Repository, three.Image = "three", "o/three", "ghcr.io/o/three"
	three.Routes = []deployer.Route{{Host: "c.pl", Prefix: "/", Port: 8080}}
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.is(r.submit(packagedFor(two, 5)), deployer.Succeeded)
		r.runtime.On(digest(5), deployertest.Script{Halt: deployertest.Step{Delay: 4 * time.Minute}})
		r.hasImage(three, "latest", 7)
		r.configure(web())
		r.pass(15 * time.Second)
		r.configure(web(), three)
		r.pass(15 * time.Second)
		if to := r.traffic.routed("three")["c.pl/"]; len(to) != 1 {
			r.Errorf("c.pl goes to %v of three", to)
		}
		if up := r.up("two"); len(up) != 1 {
			r.Errorf("%q of two run: it did not end slowly", up)
		}
	}, web(), two)
}

// The images that a service can go back to are kept for a day after it has left, whatever it has left for longer. Mutant: haltAll
// that removes each release after a day of its own.
func TestWhatIsGoneKeepsItsImagesForADay(t *testing.T) {
	two := second()
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.submit(packagedFor(two, 5))
		r.is(r.submit(packagedFor(two, 6)), deployer.Succeeded)
		r.runtime.On(digest(7), deployertest.Script{Await: deployertest.Step{Err: errors.New("sick")}})
		r.is(r.submit(packagedFor(two, 7)), deployer.Failed) // its container is kept for a look at it
		r.pass(25 * time.Hour)
		r.configure(web()) // by mistake
		r.pass(time.Minute)
		r.configure(web(), two)
		r.pass(time.Minute)
		if all, err := r.Rollbacks(r.Context(), "two"); err != nil || len(all) != 1 {
			r.Errorf("can be gone back to: %d, %v; images are %q", len(all), err, r.runtime.Images("two"))
		}
	}, web(), two)
}

// Nor is one whose routes could not be taken away at the first try. Mutant: drainAway without awaitLift.
func TestWhatIsRemovedLateIsStoppedAfterItsDrain(t *testing.T) {
	two := second()
	inBubble(t, func(r *rig) {
		r.deployed(1)
		live := r.submit(packagedFor(two, 5))
		drained := r.traffic.holdDrains()
		r.traffic.refuses(errors.New("input/output error"))
		if err := r.Reconcile([]deployer.Service{web()}); err == nil {
			r.Error("it said nothing")
		}
		r.settle()
		r.traffic.refuses(nil)
		r.pass(20 * time.Second)
		if _, routed := r.traffic.Live()["two"]; routed {
			r.Fatal("its routes are still there")
		}
		if up := r.up("two"); !slices.Equal(up, []string{live}) {
			r.Fatalf("%q run while requests are in flight, want %s", up, live)
		}
		drained()
		r.pass(time.Second)
		if up := r.up("two"); len(up) > 0 {
			r.Errorf("%q run after the drain", up)
		}
	}, web(), two)
}

// The old release's requests are let end, too, when their service leaves, or leaves and comes back, while a new one has just taken
// over. Mutants: letGo that drains with ctx; beginRemoval, isLeftover, retireOthers or newestOf without draining.
func TestWhatDrainsWhenItsServiceLeavesIsStoppedAfterItsDrain(t *testing.T) {
	two := second()
	for name, next := range map[string]func(r *rig, fresh string){
		"leaves":                                func(*rig, string) {},
		"comes back":                            func(r *rig, _ string) { r.configure(web(), two) },
		"comes back when what is live has died": func(r *rig, fresh string) { r.runtime.Die(fresh, "exited"); r.configure(web(), two) },
		"comes back and has another release":    func(r *rig, _ string) { r.configure(web(), two); r.submit(packagedFor(two, 7)) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				old := r.submit(packagedFor(two, 5))
				drained := r.traffic.holdDrains()
				fresh := r.submit(packagedFor(two, 6))
				r.is(fresh, deployer.Draining)
				r.traffic.holdNoMore()
				r.configure(web())
				r.pass(time.Second)
				next(r, fresh)
				r.pass(15 * time.Second)
				if up := r.up("two"); !slices.Contains(up, old) {
					r.Fatalf("%q run while %s has requests in flight", up, old)
				}
				drained()
				r.pass(15 * time.Second)
				if up := r.up("two"); slices.Contains(up, old) || r.traffic.Live()["two"] == old {
					r.Errorf("%q run after the drain of %s, and traffic goes to %s", up, old, r.traffic.Live()["two"])
				}
			}, web(), two)
		})
	}
}

// So are those of a release whose switch the removal has interrupted before it was written down. Mutant: cutOver that drains nothing.
func TestWhatSwitchesWhenItsServiceLeavesIsStoppedAfterItsDrain(t *testing.T) {
	two := second()
	synctest.Test(t, func(t *testing.T) {
		r, full := newRig(t, web(), two), &failing{}
		r.wrap = full.around
		r.start()
		defer func() { r.stop() }()
		old := r.submit(packagedFor(two, 5))
		drained := r.traffic.holdDrains()
		r.traffic.onPoint(func() { full.full.Store(true) })
		r.is(r.submit(packagedFor(two, 6)), deployer.Switching)
		r.traffic.onPoint(nil)
		r.traffic.holdNoMore()
		full.full.Store(false)
		r.configure(web())
		r.pass(15 * time.Second)
		if up := r.up("two"); !slices.Contains(up, old) {
			r.Fatalf("%q run while %s has requests in flight", up, old)
		}
		drained()
		r.pass(15 * time.Second)
		if up := r.up("two"); len(up) > 0 {
			r.Errorf("%q run after the drain of %s", up, old)
		}
	})
}

// Who leaves, comes back and leaves again, or has another release then, has still the requests from before. Mutants: arriveLocked
// without finish; cutOver, makeWay or reroute that forget it.
func TestWhatComesBackHasStillItsRequestsFromBefore(t *testing.T) {
	two, recreated := second(), second()
	recreated.Strategy = deployer.Recreate
	for name, c := range map[string]struct {
		two  deployer.Service
		then func(*rig, deployer.Service)
	}{
		"leaves before it is adopted": {two, func(r *rig, two deployer.Service) {
			for _, services := range [][]deployer.Service{{web(), two}, {web()}} {
				if err := r.Reconcile(services); err != nil {
					r.Error(err)
				}
			}
		}},
		"leaves again": {two, func(r *rig, two deployer.Service) {
			r.configure(web(), two)
			r.pass(time.Second)
			r.configure(web())
		}},
		"has another release":                    {two, func(r *rig, two deployer.Service) { r.configure(web(), two); r.submit(packagedFor(two, 6)) }},
		"has another release instead of the one": {recreated, func(r *rig, two deployer.Service) { r.configure(web(), two); r.submit(packagedFor(two, 6)) }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				live := r.submit(packagedFor(two, 5))
				drained := r.traffic.holdDrains()
				r.configure(web())
				r.pass(time.Second)
				r.traffic.holdNoMore()
				c.then(r, c.two)
				r.pass(15 * time.Second)
				if up := r.up("two"); !slices.Contains(up, live) {
					r.Fatalf("%q run while %s has requests in flight", up, live)
				}
				drained()
				r.pass(15 * time.Second)
				if up := r.up("two"); slices.Contains(up, live) {
					r.Errorf("%q run after the drain of %s", up, live)
				}
			}, web(), c.two)
		})
	}
}

// What comes back is what was live last, also where that was accepted first and waited for its image. Mutants: newestOf or lastGood that
// go by the id.
func TestWhatComesBackIsWhatWasLiveLast(t *testing.T) {
	two := second()
	two.Bake = time.Minute
	for name, away := range map[string]time.Duration{"while it bakes": 0, "when it was stopped": time.Minute} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				push := pushed(6)
				push.Repository = two.Repository
				last := r.submit(push)
				r.is(r.submit(packagedFor(two, 5)), deployer.Succeeded)
				r.deliver(packagedFor(two, 6))
				r.pass(10 * time.Second)
				r.is(last, deployer.Baking)
				if away > 0 {
					r.pass(2 * time.Minute)
				}
				r.configure(web())
				r.pass(away)
				r.configure(web(), two)
				r.pass(time.Minute)
				if live, up := r.traffic.Live()["two"], r.up("two"); live != last || !slices.Equal(up, []string{last}) {
					r.Errorf("traffic goes to %s and %q run, want %s", live, up, last)
				}
			}, web(), two)
		})
	}
}

// Nor is it an earlier release that runs still because the engine could not remove it, when what was live is lost. Mutant: adopt with
// what runs first.
func TestWhatComesBackIsNotWhatWasLiveBefore(t *testing.T) {
	two := second()
	inBubble(t, func(r *rig) {
		r.submit(packagedFor(two, 5))
		busy := deployertest.Step{Err: fmt.Errorf("too busy: %w", deployer.ErrUnavailable)}
		r.runtime.On(digest(5), deployertest.Script{Retire: busy, Halt: busy})
		live := r.submit(packagedFor(two, 6))
		r.pass(10 * time.Second)
		r.configure(web())
		r.runtime.Lose(live)
		r.configure(web(), two)
		r.pass(time.Minute)
		if d := r.get(r.traffic.Live()["two"]); d.Digest != digest(6) {
			r.Errorf("traffic goes to %s of %s, want %s", d.Digest, d.ID, digest(6))
		}
	}, web(), two)
}

// What comes back before its routes could be taken away trades them with another one in one step: neither could take its own first.
// Mutant: adopt without compareRoutes.
func TestWhatComesBackWithTradedRoutesGetsThem(t *testing.T) {
	two := second()
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.submit(packagedFor(two, 5))
		r.traffic.refuses(errors.New("input/output error"))
		one, other := web(), second()
		one.Routes, other.Routes = other.Routes, one.Routes
		for _, services := range [][]deployer.Service{{one}, {one, other}} {
			_ = r.Reconcile(services) // it says that it is tried again
		}
		r.traffic.refuses(nil)
		r.pass(time.Minute)
		if a, b := r.traffic.routed("web"), r.traffic.routed("two"); len(a["b.pl/"]) != 1 || len(b["a.pl/"]) != 1 || len(a)+len(b) != 2 {
			r.Errorf("web has %v, two has %v", a, b)
		}
	}, web(), two)
}

// A look-up that was promised is nobody's when its service has left while the program did not run. Mutant: New that forgets it only.
func TestWhatWasPromisedEndsWithItsService(t *testing.T) {
	two := second()
	inBubble(t, func(r *rig) {
		r.submit(packagedFor(two, 5))
		other := packagedFor(two, 6)
		other.Tag, other.Delivery = "v1", "v1"
		r.deliver(other)
		for _, services := range [][]deployer.Service{{web()}, {web(), two}} {
			r.stop()
			r.services = services
			r.registry.has("latest", 1) // web looks no further
			r.start()
			r.pass(time.Minute)
			r.registry.forget()
		}
		r.pass(10 * time.Minute)
		if asked := r.registry.askedAt(); len(asked) > 0 {
			r.Errorf("a tag was looked up at %v, want nobody to ask", asked)
		}
	}, web(), two)
}

// How a deployment ends whose service has left while the program did not run is what its traffic went to. The journal cannot be
// written at first, and when it can the routes are gone. Mutant: recallActive that does not ask Traffic.
func TestWhatASwitchHadComeToWhenItsServiceLeft(t *testing.T) {
	two := second()
	for state, want := range map[deployer.State]deployer.State{
		deployer.Switching: deployer.Succeeded, deployer.Draining: deployer.Succeeded, deployer.Baking: deployer.RolledBack, deployer.Verifying: deployer.Cancelled,
	} {
		t.Run(string(state), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, full := newRig(t, web(), two), &failing{}
				r.start()
				defer func() { r.stop() }()
				id := r.submit(packagedFor(two, 5))
				r.stop()
				r.write(func(d *deployer.Deployment) {
					*d = deployer.Deployment{ID: d.ID, Service: d.Service, State: state, Digest: d.Digest, Steps: d.Steps[:1], Reason: "worse"}
					if state == deployer.Baking {
						d.ID, d.Replaces = "next", id
						id = d.ID
					}
				}, id)
				r.services = []deployer.Service{web()}
				full.full.Store(true)
				r.wrap = full.around
				r.start()
				r.pass(20 * time.Second)
				r.is(id, state)
				full.full.Store(false)
				r.pass(20 * time.Second)
				r.is(id, want)
			})
		})
	}
}

// What a start finds that is no longer in the configuration has served until then, and may have requests. Mutants: New without
// recallLeft; restore without rerouteAgain.
func TestWhatIsGoneAtAStartIsStoppedAfterItsDrain(t *testing.T) {
	two := second()
	for name, trouble := range map[string]struct {
		refuse error
		away   bool
	}{
		"at once":                         {},
		"and its routes stay for a while": {refuse: errors.New("input/output error")},
		"and the engine is away":          {away: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				live := r.submit(packagedFor(two, 5))
				r.stop()
				r.services = []deployer.Service{web()}
				drained := r.traffic.holdDrains()
				r.traffic.refuses(trouble.refuse)
				if trouble.away {
					r.runtime.Away()
				}
				r.start()
				r.pass(5 * time.Second)
				if _, routed := r.traffic.Live()["two"]; routed != (trouble.refuse != nil) {
					r.Errorf("routed %v", routed)
				}
				r.traffic.refuses(nil)
				r.runtime.Back()
				r.pass(15 * time.Second)
				if _, routed := r.traffic.Live()["two"]; routed || !slices.Equal(r.up("two"), []string{live}) {
					r.Fatalf("routed %v, %q run while requests are in flight, want no routes and %s", routed, r.up("two"), live)
				}
				drained()
				r.pass(time.Second)
				if up := r.up("two"); len(up) > 0 {
					r.Errorf("%q run after the drain", up)
				}
			}, web(), two)
		})
	}
}

// What its service's removal has interrupted was not found bad. Mutant: dismissed with failed.
func TestWhatWasAboutToSwitchWhenItsServiceLeftIsDeployedWhenItComesBack(t *testing.T) {
	two := second()
	inBubble(t, func(r *rig) {
		let := r.held(5, deployer.Verifying)
		id := r.submit(packagedFor(two, 5))
		r.stop()
		let()
		r.write(func(d *deployer.Deployment) { d.State = deployer.Switching }, id)
		r.services = []deployer.Service{web()}
		r.start()
		r.settle()
		r.because(id, deployer.Cancelled, "no longer in the configuration")
		r.hasImage(two, "latest", 5)
		r.configure(web(), two)
		if d := r.newest("two"); d.State != deployer.Succeeded || d.Digest != digest(5) {
			r.Errorf("back in the configuration two has %+v, want %s deployed", d, digest(5))
		}
	}, web(), two)
}

// One that comes back while its requests drain goes on as it is. Mutant: drainAway without back.
func TestWhatComesBackDuringItsDrainGoesOn(t *testing.T) {
	two := second()
	inBubble(t, func(r *rig) {
		live := r.submit(packagedFor(two, 5))
		container := r.containers("two")
		r.traffic.holdDrains()
		r.configure(web())
		r.pass(5 * time.Second)
		r.configure(web(), two)
		r.pass(time.Minute)
		if up := r.containers("two"); !slices.Equal(up, container) || r.traffic.Live()["two"] != live || len(r.traffic.routed("two")["b.pl/"]) != 1 {
			r.Errorf("%q run and traffic goes to %v", up, r.traffic.routed("two"))
		}
		if n := r.count("halt two " + digest(5)); n > 0 {
			r.Errorf("it was stopped %d times", n)
		}
		r.configure(web())
		r.configure(web(), two)
		next := r.submit(packagedFor(two, 6))
		r.pass(time.Second)
		r.is(next, deployer.Draining) // nor does anything wait for the requests from before
	}, web(), two)
}

func TestAnotherEnvironmentIsRolledOutOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		changed := web()
		changed.Environment = map[string]deployer.Secret{"NEW": deployer.Plain("yes")}
		r.configure(changed)
		d := r.newest("web")
		if d.ID == old || d.Digest != digest(1) || d.Cause.Kind != deployer.KindReconcile || d.From != old {
			r.Fatalf("the newest deployment is %+v, want one of the same digest", d)
		}
		r.is(d.ID, deployer.Succeeded)
		r.serves(d.ID)
		r.pass(time.Hour)
		if again := r.newest("web"); again.ID != d.ID {
			r.Errorf("another one followed: %+v", again)
		}
		r.restart()
		r.pass(time.Minute)
		if again := r.newest("web"); again.ID != d.ID {
			r.Errorf("another one followed a restart: %+v", again)
		}
	})
}

// What cannot run with the new configuration stays as it is, and is not tried again by itself: neither later nor after a
// restart. Changed once more, it is. Mutants: renewalLocked without refused; keepConfigured without wasRefusedLocked.
func TestAConfigurationThatFailsIsTriedOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		container := r.containers("web")
		r.runtime.On(digest(1), deployertest.Script{Await: deployertest.Step{Err: errors.New("no such database")}})
		bad, good := web(), web()
		bad.Environment = map[string]deployer.Secret{"DATABASE": deployer.Plain("nowhere")}
		good.Environment = map[string]deployer.Secret{"DATABASE": deployer.Plain("here")}
		r.configure(bad)
		failed := r.newest("web")
		r.because(failed.ID, deployer.Failed, "no such database")
		r.runtime.On(digest(1), deployertest.Script{})
		r.pass(2 * time.Hour)
		r.restart()
		r.pass(2 * time.Hour)
		if again := r.newest("web"); again.ID != failed.ID {
			r.Errorf("it was tried again: %+v", again)
		}
		r.serves(old)
		r.isBehind(failed.ID)
		if up := r.containers("web"); !slices.Equal(up, container) {
			r.Errorf("%q run, want %q untouched", up, container)
		}
		r.configure(good)
		r.is(r.newest("web").ID, deployer.Succeeded)
		r.isBehind()
		r.configure(bad)
		r.is(r.newest("web").ID, deployer.Succeeded)
	})
}

// isBehind checks which deployments are all that could not bring their services to the configuration.
func (r *rig) isBehind(ids ...string) {
	r.Helper()
	all, err := r.Behind()
	var got []string
	for _, d := range all {
		got = append(got, d.ID)
	}
	if err != nil || !slices.Equal(got, ids) {
		r.Errorf("behind are %q, %v; want %q", got, err, ids)
	}
}

// What runs may be other than what the configuration says though that is in force, and is named until it is that, or is on its
// way. Mutants: failedForLocked that does not look at what is live; behind that does not look at what is on its way.
func TestWhatIsBehindItsConfiguration(t *testing.T) {
	fails := deployertest.Script{Await: deployertest.Step{Err: errors.New("no such database")}}
	changed := func(change func(s *deployer.Service)) deployer.Service {
		s := web()
		change(&s)
		return s
	}
	for name, next := range map[string]deployer.Service{
		"environment": changed(func(s *deployer.Service) {
			s.Environment = map[string]deployer.Secret{"DATABASE": deployer.Plain("nowhere")}
		}),
		"tag":   changed(func(s *deployer.Service) { s.Tag = "next" }),
		"image": changed(func(s *deployer.Service) { s.Image += "-2" }),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.deployed(1)
				r.isBehind()
				n := 2
				if name == "environment" {
					n = 1
				}
				r.hasImage(next, next.Tag, n)
				r.runtime.On(digest(n), fails)
				r.configure(next)
				r.pass(time.Minute)
				failed := r.newest("web").ID
				r.because(failed, deployer.Failed, "no such database")
				r.isBehind(failed)
				r.restart()
				r.isBehind(failed)
				r.configure(web())
				r.pass(time.Minute)
				r.isBehind()
				r.configure(next)
				r.pass(time.Minute)
				again := r.newest("web").ID
				r.isBehind(again)
				r.runtime.On(digest(n), deployertest.Script{})
				if _, err := r.Deploy("web", "", "me"); err != nil {
					r.Fatal(err)
				}
				r.isBehind()
				r.pass(time.Minute)
				r.isBehind()
			})
		})
	}
}

// More replicas of what nobody knows the configuration of any more: today's, which was refused, is tried once more, since somebody
// asks for it. Fewer need no configuration. Mutant: changeLocked without isForgottenLocked.
func TestReplicasOfWhatTheConfigurationIsForgottenOf(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.services[0].Replicas = 2
		r.configure(r.services...)
		old := r.deployed(1)
		r.runtime.On(digest(1), deployertest.Script{Await: deployertest.Step{Err: errors.New("no such database")}})
		bad := r.services[0]
		bad.Environment = map[string]deployer.Secret{"DATABASE": deployer.Plain("nowhere")}
		r.configure(bad)
		r.restart()
		for _, c := range []struct{ replicas, deployments, up int }{{1, 2, 1}, {3, 3, 1}, {3, 3, 1}} {
			bad.Replicas = c.replicas
			r.configure(bad)
			r.pass(30 * time.Minute)
			if all, _ := r.Deployments("web", 10); len(all) != c.deployments || len(r.containers("web")) != c.up {
				t.Fatalf("asked for %d replicas, %d run after %d deployments; want %d after %d", c.replicas, len(r.containers("web")), len(all), c.up, c.deployments)
			}
			r.serves(old)
		}
		r.runtime.On(digest(1), deployertest.Script{})
		bad.Replicas = 4
		r.configure(bad)
		r.pass(time.Minute)
		if up := r.containers("web"); len(up) != 4 || r.newest("web").State != deployer.Succeeded {
			t.Errorf("%q run, and the newest deployment is %+v; want four of today's configuration", up, r.newest("web"))
		}
	})
}

// What could not be started for a while and runs again follows the configuration like any other. Mutant: see that leaves gone as it is.
func TestWhatWasGivenUpAndRunsAgainFollowsTheConfiguration(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.runtime.On(digest(1), deployertest.Script{Start: deployertest.Step{Err: errors.New("cannot allocate memory")}})
		r.runtime.Die(old, "exited with code 1")
		r.pass(10 * time.Second)
		r.because(r.newest("web").ID, deployer.Failed, "cannot allocate memory")
		changed := web()
		changed.Args = []string{"--new"}
		r.configure(changed)
		r.runtime.On(digest(1), deployertest.Script{})
		r.pass(2 * time.Minute)
		d := r.is(r.newest("web").ID, deployer.Succeeded)
		if d.Spec != changed.Spec() || d.Replaces != old {
			r.Errorf("the newest deployment is %+v, want one with the new configuration in the place of %s", d, old)
		}
	})
}

// A configuration that has changed while the program was down is rolled out after what runs has been adopted.
func TestAStartRollsToTheNewConfiguration(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		let := r.held(1, deployer.Verifying)
		r.services[0].Args = []string{"--new"}
		r.restart()
		if live := r.traffic.Live()["web"]; live != old {
			r.Errorf("%s serves while the new containers come up, want %s", live, old)
		}
		let()
		r.settle()
		d := r.newest("web")
		if d.ID == old || d.Cause.Kind != deployer.KindReconcile {
			r.Fatalf("the newest deployment is %+v", d)
		}
		r.is(d.ID, deployer.Succeeded)
		r.serves(d.ID)
	})
}

func TestAnotherImageIsLookedUpAndDeployed(t *testing.T) {
	for name, change := range map[string]func(*deployer.Service){
		"image": func(s *deployer.Service) { s.Image = "ghcr.io/o/new" },
		"tag":   func(s *deployer.Service) { s.Tag = "v2" },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.deployed(5) // newer than what the configuration asks for next
				other := web()
				change(&other)
				r.configure(other)
				r.pass(time.Minute)
				r.hasImage(other, other.Tag, 3)
				r.pass(2 * time.Minute)
				d := r.newest("web")
				if d.Image != other.Image || d.Reference != other.Tag || d.Digest != digest(3) {
					r.Fatalf("the newest deployment is %+v", d)
				}
				r.is(d.ID, deployer.Succeeded)
				r.serves(d.ID)
				r.pass(time.Hour)
				if again := r.newest("web"); again.ID != d.ID {
					r.Errorf("another one followed: %+v", again)
				}
			})
		})
	}
}

// A deployment that gave way to another image says nothing against its configuration. A person who cancels it does.
// Mutants: isRefusalLocked with cancelled; withoutImageLocked that stops nothing.
func TestWhatGaveWayToAnotherImageIsNoRefusal(t *testing.T) {
	for name, want := range map[string]deployer.State{"another image": deployer.Succeeded, "on request": deployer.Cancelled} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.deployed(1)
				let := r.held(1, deployer.Verifying)
				changed := web()
				changed.Args = []string{"--new"}
				r.configure(changed)
				if name == "on request" {
					if _, err := r.Cancel(r.newest("web").ID); err != nil {
						r.Fatal(err)
					}
				} else {
					other := changed
					other.Image = "ghcr.io/o/new"
					r.configure(other)
				}
				r.pass(5 * time.Second)
				r.because(r.newest("web").ID, deployer.Cancelled, name)
				let()
				r.services = []deployer.Service{changed}
				r.restart()
				r.pass(time.Minute)
				r.is(r.newest("web").ID, want)
			})
		})
	}
}

// The registry answers when the service has another image already: that was not the question. Mutants: found, foundSought or
// keepPromises without asksLocked.
func TestTheAnswerForTheImageBeforeIsNotDeployed(t *testing.T) {
	for name, ask := range map[string]func(*rig){
		"a push waits":            func(r *rig) { r.submit(pushed(3)) },
		"a look-up is promised":   func(r *rig) { r.deliver(another("v1", 3)) },
		"another image is sought": func(r *rig) { s := web(); s.Tag = "v1"; r.configure(s) },
		"nothing runs":            nil,
	} {
		for _, late := range []string{"tag", "revision"} {
			t.Run(name+", the "+late+" is late", func(t *testing.T) { answeredForTheImageBefore(t, late, ask) })
		}
	}
}

func answeredForTheImageBefore(t *testing.T, late string, ask func(*rig)) {
	synctest.Test(t, func(t *testing.T) {
		r, other := newRig(t), web()
		other.Image = "ghcr.io/o/new"
		r.registry.has("v1", 3)
		r.hasImage(other, "latest", 4)
		if ask == nil {
			r.registry.has("latest", 3)
			ask = func(*rig) {}
		} else {
			r.start()
			r.deployed(1)
			r.stop()
			r.registry.has("latest", 3)
		}
		answer := r.registry.answersLate(late)
		r.start()
		defer func() { r.stop() }()
		r.settle()
		ask(r)
		r.configure(other)
		answer()
		r.pass(time.Minute)
		all, _ := r.Deployments("web", 10)
		for _, d := range all {
			if d.Image == other.Image && d.Digest != "" && d.Digest != digest(4) {
				r.Errorf("%+v was deployed of %s, which has %s only", d, other.Image, digest(4))
			}
		}
		if d := r.newest("web"); d.State != deployer.Succeeded || d.Digest != digest(4) {
			r.Errorf("the newest deployment is %+v, want %s", d, digest(4))
		}
	})
}

// Mutant: foundSought that insists for ever.
func TestAnImageThatFailsIsNotTriedForEver(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		other := web()
		other.Image = "ghcr.io/o/new"
		r.hasImage(other, "latest", 2)
		r.runtime.On(digest(2), deployertest.Script{Await: deployertest.Step{Err: errors.New("it cannot start")}})
		r.configure(other)
		r.pass(5 * time.Hour)
		all, err := r.Deployments("web", 10)
		if err != nil || len(all) != 2 {
			r.Errorf("there were %d deployments (%v), want two", len(all), err)
		}
		r.serves(old)
	})
}

func TestRoutesMoveInOneStepAndContainersStay(t *testing.T) {
	one, two := web(), second()
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.submit(packagedFor(two, 5))
		calls := r.runtime.Calls()
		one.Routes, two.Routes = two.Routes, one.Routes
		r.configure(one, two)
		if a, b := r.traffic.routed("web"), r.traffic.routed("two"); len(a["b.pl/"]) != 1 || len(b["a.pl/"]) != 1 || len(a)+len(b) != 2 || r.traffic.reroutes != 1 {
			r.Errorf("web has %v, two has %v after %d steps; want them swapped in one", a, b, r.traffic.reroutes)
		}
		if after := r.runtime.Calls(); !slices.Equal(after, calls) {
			r.Errorf("it led to %q", after[len(calls):])
		}
		r.pass(time.Minute)
		two.Routes = []deployer.Route{{Host: "a.pl", Prefix: "/", Port: 9090}}
		r.configure(one, two)
		if to := r.traffic.routed("two")["a.pl/"]; len(to) != 1 || to[0][len(to[0])-5:] != ":9090" {
			r.Errorf("two has %v, want port 9090", to)
		}
	}, web(), second())
}

// A host that goes to a service which has yet to come up is served by the one that had it, until then, whether or not the
// program runs meanwhile, and when it is told.
// Mutants: arrange without lendLocked; New without recallLoans.
func TestAHostIsServedUntilTheOneThatTakesItOverIsUp(t *testing.T) {
	for what, change := range map[string]func(*rig, ...deployer.Service){
		"told while it runs":     (*rig).configure,
		"told, and restarted":    func(r *rig, all ...deployer.Service) { r.configure(all...); r.restart() },
		"told by a start":        func(r *rig, all ...deployer.Service) { r.services = all; r.restart() },
		"told by a start, twice": func(r *rig, all ...deployer.Service) { r.services = all; r.restart(); r.restart() },
		"told, restarted, told":  func(r *rig, all ...deployer.Service) { r.configure(all...); r.restart(); r.configure(all...) },
	} {
		t.Run(what, func(t *testing.T) {
			comesUpLater(t, change, false)
		})
		t.Run(what+", by one that returns", func(t *testing.T) {
			comesUpLater(t, change, true)
		})
	}
}

// comesUpLater has web serve two's host, and a change give it to two, which has been live before when it returns.
func comesUpLater(t *testing.T, change func(*rig, ...deployer.Service), returns bool) {
	one, two := web(), second()
	both := one
	both.Routes = append(slices.Clone(one.Routes), two.Routes...)
	first := []deployer.Service{both}
	if returns {
		first = []deployer.Service{one, two}
	}
	inBubble(t, func(r *rig) {
		r.deployed(1)
		if returns {
			gone := r.submit(packagedFor(two, 5))
			r.configure(both)
			r.pass(time.Minute)
			r.runtime.Lose(gone)
		}
		old := r.traffic.routed("web")["b.pl/"]
		let := r.held(5, deployer.Verifying)
		r.hasImage(two, "latest", 5)
		r.keeps("b.pl/")
		change(r, one, two)
		r.pass(10 * time.Second)
		if to := r.traffic.routed("web")["b.pl/"]; len(to) != 1 || !slices.Equal(to, old) {
			r.Fatalf("b.pl goes to %v of web, want %v until two is up", to, old)
		}
		let()
		r.pass(time.Second)
		if a, b := r.traffic.routed("web"), r.traffic.routed("two"); len(a) != 1 || len(a["a.pl/"]) != 1 || len(b["b.pl/"]) != 1 {
			r.Errorf("web has %v, two has %v", a, b)
		}
	}, first...)
}

// on is a service with these hosts instead of its own.
func on(s deployer.Service, hosts ...string) deployer.Service {
	s.Routes = nil
	for _, h := range hosts {
		s.Routes = append(s.Routes, deployer.Route{Host: h, Prefix: "/", Port: 8080})
	}
	return s
}

// A host that is lent goes on to a third service, which is up, in one step with what the others have. Mutants: lendLocked that forgets
// a loan without endLoanLocked; endLoanLocked without the one that has served the route.
func TestALentHostGoesOnToAThirdThatIsUp(t *testing.T) {
	one, two, three := on(web(), "a.pl", "h.pl"), second(), third()
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.submit(packagedFor(three, 7))
		r.configure(web(), on(two, "b.pl", "h.pl"), three) // two never comes up: there is no image
		r.pass(30 * time.Second)
		if to := r.traffic.routed("web")["h.pl/"]; len(to) != 1 {
			r.Fatalf("h.pl goes to %v of web, want it lent", to)
		}
		r.keeps("h.pl/")
		r.configure(web(), two, on(three, "c.pl", "h.pl"))
		if to := r.traffic.routed("three")["h.pl/"]; len(to) != 1 {
			r.Errorf("h.pl goes to %v of three", to)
		}
	}, one, two, three)
}

// The one that a host was lent to has come up, but that could not be written; nor can it be when the configuration changes once more.
// Mutant: endLoanLocked without the one that has the route.
func TestALoanThatCouldNotEndEndsThoughAnotherConfigurationComes(t *testing.T) {
	one, two := on(web(), "a.pl", "h.pl"), second()
	inBubble(t, func(r *rig) {
		r.deployed(1)
		id := r.submit(packagedFor(two, 5))
		r.is(id, deployer.Succeeded)
		r.runtime.Sicken(id, 0, errSick)
		r.pass(time.Minute)
		gets := on(two, "b.pl", "h.pl")
		r.configure(web(), gets)
		if to := r.traffic.routed("web")["h.pl/"]; len(to) != 1 {
			r.Fatalf("h.pl goes to %v of web, want it lent", to)
		}
		r.keeps("h.pl/")
		r.traffic.refuses(errors.New("no space left on device"))
		r.runtime.Sicken(id, 0, nil)
		r.pass(15 * time.Second)
		changed := web()
		changed.Retain = 5
		if err := r.Reconcile([]deployer.Service{changed, gets}); err == nil {
			r.Error("it said nothing")
		}
		r.traffic.refuses(nil)
		r.pass(30 * time.Second)
		if to := r.traffic.routed("two")["h.pl/"]; len(to) != 1 {
			r.Errorf("h.pl goes to %v of two", to)
		}
	}, one, two)
}

// While a host that moves could not be written, one of the replicas that it leaves gets sick: that takes the host from nobody.
// Mutant: repoint without catchUp.
func TestAHostThatCouldNotMoveIsServedThoughAReplicaGetsSick(t *testing.T) {
	one, two := on(doubled(), "a.pl", "h.pl"), second()
	for full := time.Second; full < 10*time.Second; full += time.Second / 2 {
		inBubble(t, func(r *rig) {
			id := r.deployed(1)
			r.submit(packagedFor(two, 5))
			r.pass(10 * time.Second)
			r.keeps("h.pl/")
			r.traffic.refuses(errors.New("no space left on device"))
			if err := r.Reconcile([]deployer.Service{doubled(), on(two, "b.pl", "h.pl")}); err == nil {
				r.Error("it said nothing")
			}
			r.runtime.Sicken(id, 0, errSick)
			r.pass(full)
			r.traffic.refuses(nil)
			r.pass(30 * time.Second)
			if to := r.traffic.routed("two")["h.pl/"]; len(to) != 1 {
				r.Errorf("h.pl goes to %v of two", to)
			}
		}, one, two)
	}
}

// keeps asserts from now on that requests for these routes always lead somewhere.
func (r *rig) keeps(keys ...string) {
	r.traffic.onPoint(func() {
		for _, key := range keys {
			led := 0
			for _, routes := range r.traffic.routes {
				led += len(routes[key])
			}
			if led == 0 {
				r.Errorf("%s is nobody's for a moment", key)
			}
		}
	})
}

// What runs on takes over a host at a start, too, and nobody drops a request for that. Mutants: setRestored without endLoansLocked;
// becomeLive that does so before all are adopted; adoptAll that lets go at once.
func TestAHostThatMovedWhileTheProgramWasDownIsAlwaysServed(t *testing.T) {
	one, two, moves := web(), second(), deployer.Route{Host: "c.pl", Prefix: "/", Port: 8080}
	had, gets := one, two
	had.Routes, gets.Routes = append(slices.Clone(one.Routes), moves), append(slices.Clone(two.Routes), moves)
	one.Routes, two.Routes = two.Routes, one.Routes
	for what, c := range map[string]struct {
		next     []deployer.Service
		lost     bool // the host that moves led nowhere when the program stopped
		keeps    []string
		web, two string // a host that each has in the end
	}{
		"one more":                    {next: []deployer.Service{web(), gets}, keeps: []string{"a.pl/", "b.pl/", "c.pl/"}, web: "a.pl/", two: "c.pl/"},
		"one more that led nowhere":   {next: []deployer.Service{web(), gets}, lost: true, keeps: []string{"a.pl/", "b.pl/"}, web: "a.pl/", two: "c.pl/"},
		"one for another one instead": {next: []deployer.Service{one, two}, keeps: []string{"a.pl/", "b.pl/"}, web: "b.pl/", two: "a.pl/"},
	} {
		t.Run(what, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.deployed(1)
				r.submit(packagedFor(second(), 5))
				r.stop()
				if r.services = c.next; c.lost {
					r.traffic.routes["web"]["c.pl/"] = []string{}
				}
				r.keeps(c.keeps...)
				seen := r.traffic.pointed
				r.traffic.onPoint(func() { r.runtime.Away(); seen() }) // the engine lists once and no more
				r.start()
				r.settle()
				if a, b := r.traffic.routed("web"), r.traffic.routed("two"); len(a[c.web]) != 1 || len(b[c.two]) != 1 {
					r.Errorf("web has %v, two has %v", a, b)
				}
			}, had, second())
		})
	}
}

// Mutants: scale that replaces; grow that points at once; shrink without its drain; one that pauses between part and turnNow, without switching.
func TestScalingReplacesNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		first := r.containers("web")
		three, one := web(), web()
		three.Replicas = 3
		r.configure(three)
		r.pass(30 * time.Second)
		up := r.containers("web")
		if len(up) != 3 || up[0] != first[0] || len(r.traffic.routed("web")["a.pl/"]) != 3 {
			r.Fatalf("%q run and %v get requests, want three of them, %q among them", up, r.traffic.routed("web"), first)
		}
		drained := r.traffic.holdDrains()
		r.configure(one)
		r.pass(5 * time.Second)
		if to := r.traffic.routed("web")["a.pl/"]; len(to) != 1 || len(r.containers("web")) != 3 {
			r.Errorf("%v get requests and %q run; want one to, and three until their requests are done", to, r.containers("web"))
		}
		drained()
		r.pass(30 * time.Second)
		if up := r.containers("web"); !slices.Equal(up, first) {
			r.Errorf("%q run, want %q alone", up, first)
		}
		if d := r.newest("web"); d.ID != id || len(r.notices) > 1 {
			r.Errorf("the newest deployment is %s, and people were told %+v; want neither", d.ID, r.notices)
		}
	})
}

// As many as there are to be stay well, whichever are sick; once these are well, too, they are enough. Mutants: enough that is want;
// enough without isUnknown; enough that counts none as well.
func TestScalingDownKeepsWhatIsWell(t *testing.T) {
	for what, c := range map[string]struct {
		sick             []int
		want             int
		run, well, later int
	}{
		"the first is sick, one is to stay":     {sick: []int{0}, want: 1, run: 2, well: 1, later: 1},
		"the first two are sick, two are to":    {sick: []int{0, 1}, want: 2, run: 4, well: 2, later: 2},
		"one in the middle is sick, two are to": {sick: []int{1}, want: 2, run: 3, well: 2, later: 2},
		"the last is sick, two are to":          {sick: []int{3}, want: 2, run: 2, well: 2, later: 2},
		"all are sick, two are to":              {sick: []int{0, 1, 2, 3}, want: 2, run: 2, well: 0, later: 2},
	} {
		for _, away := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, away: %t", what, away), func(t *testing.T) {
				four, fewer := web(), web()
				four.Replicas, fewer.Replicas = 4, c.want
				inBubble(t, func(r *rig) {
					id := r.deployed(1)
					for _, n := range c.sick {
						r.runtime.Sicken(id, n, errSick)
					}
					r.pass(time.Minute)
					if away { // nothing is known of them when it is back
						r.configure(second())
						r.configure(fewer, second())
					}
					r.configure(fewer)
					r.pass(time.Minute)
					if up, to := r.containers("web"), r.traffic.routed("web")["a.pl/"]; len(up) != c.run || len(to) != c.well {
						r.Errorf("%q run and %v get requests, want %d and %d", up, to, c.run, c.well)
					}
					for _, n := range c.sick {
						if n < c.run {
							r.runtime.Sicken(id, n, nil)
						}
					}
					r.pass(2 * time.Minute)
					if up, to := r.containers("web"), r.traffic.routed("web")["a.pl/"]; len(up) != c.later || len(to) != c.later {
						r.Errorf("later %q run and %v get requests, want %d", up, to, c.later)
					}
				}, four, second())
			})
		}
	}
}

// Those that are too many go on when one that was to stay gets sick during their drain, or when they are to be as many again.
// Mutant: shrink that looks for neither.
func TestWhatIsNeededAfterAllGoesOn(t *testing.T) {
	for what, happen := range map[string]func(r *rig, id string, three deployer.Service){
		"one gets sick":          func(r *rig, id string, _ deployer.Service) { r.runtime.Sicken(id, 0, errSick) },
		"they are to be as many": func(r *rig, _ string, three deployer.Service) { r.configure(three) },
	} {
		t.Run(what, func(t *testing.T) {
			three := web()
			three.Replicas = 3
			inBubble(t, func(r *rig) {
				id := r.deployed(1)
				had := r.containers("web")
				drained := r.traffic.holdDrains()
				r.configure(web())
				r.pass(2 * time.Second)
				happen(r, id, three)
				r.pass(20 * time.Second)
				drained()
				r.pass(time.Minute)
				if up, to := r.containers("web"), r.traffic.routed("web")["a.pl/"]; !slices.Contains(up, had[1]) || len(to) == 0 {
					r.Errorf("%q run and %v get requests, want some of %q that are well", up, to, had)
				}
			}, three)
		})
	}
}

// A replica that is not well does not join, and those that are go on.
func TestAReplicaThatIsAddedHasToProveItself(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		two := web()
		two.Replicas = 2
		r.runtime.On(digest(1), deployertest.Script{Start: deployertest.Step{Delay: time.Second}})
		r.configure(two)
		r.runtime.Sicken(id, 1, errors.New("HTTP 500"))
		r.pass(time.Minute)
		if to := r.traffic.routed("web")["a.pl/"]; len(to) != 1 {
			r.Errorf("%v get requests, want the one that is well", to)
		}
		r.runtime.Sicken(id, 1, nil)
		r.pass(time.Minute)
		if to := r.traffic.routed("web")["a.pl/"]; len(to) != 2 {
			r.Errorf("%v get requests, want both", to)
		}
	})
}

// Mutant: changeLocked that deploys whatever has changed.
func TestWhatMakesNoContainerIsChangedInPlace(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		calls := r.runtime.Calls()
		s := web()
		s.Health = deployer.Health{Path: "/up", Port: 8081, Deadline: 5 * time.Second, Successes: 3}
		s.Drain, s.Bake, s.Retain, s.Follow, s.Repository = time.Minute, time.Minute, 1, "trunk", "o/moved"
		r.configure(s)
		r.pass(time.Minute)
		if after := r.runtime.Calls(); !slices.Equal(after, calls) || r.newest("web").ID != id {
			r.Errorf("it led to %q", after[len(calls):])
		}
		push := pushed(2)
		push.Repository, push.Branch = "o/moved", "trunk"
		r.is(r.submit(push), deployer.Waiting)
	})
}

// The routes cannot be written: they are changed once they can, and who asks again is told so until then. Mutants: become that does
// nothing where nothing is another; becomeAtLast that tries nothing.
func TestRoutesThatCannotBeWrittenAreChangedLater(t *testing.T) {
	one, two := web(), second()
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.submit(packagedFor(two, 5))
		one.Routes, two.Routes = two.Routes, one.Routes
		r.traffic.refuses(errors.New("no space left on device"))
		for range 2 {
			if err := r.Reconcile([]deployer.Service{one, two}); err == nil {
				r.Error("it said nothing")
			}
			r.pass(time.Minute)
		}
		if a := r.traffic.routed("web"); len(a["a.pl/"]) != 1 {
			r.Errorf("web has %v, want what it had", a)
		}
		if told := strings.Count(r.log.String(), "cannot apply all of the configuration"); told != 1 || strings.Contains(r.log.String(), "is applied by now") {
			r.Errorf("told %d times, want once, and nothing that is not so:\n%s", told, r.log.String())
		}
		r.traffic.refuses(nil)
		r.pass(15 * time.Second)
		if a, b := r.traffic.routed("web"), r.traffic.routed("two"); len(a["b.pl/"]) != 1 || len(b["a.pl/"]) != 1 {
			r.Errorf("web has %v, two has %v, want them swapped", a, b)
		}
		if told := strings.Count(r.log.String(), "all of the configuration is applied by now"); told != 1 {
			r.Errorf("told %d times that it is over, want once", told)
		}
	}, web(), second())
}

// Before Run, and while the engine does not answer, a configuration counts all the same, however often it changes.
// Mutant: unhired that looks at one before.
func TestReconcileBeforeTheContainersAreKnown(t *testing.T) {
	two := second()
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		live := r.submit(packagedFor(two, 5))
		r.stop()
		r.runtime.Away()
		r.services = []deployer.Service{web(), two}
		r.start()
		for range 3 {
			r.configure(web())
			if at := slices.Sorted(maps.Keys(r.traffic.Live())); !slices.Equal(at, []string{"web"}) {
				r.Errorf("%q have routes, want web alone", at)
			}
			r.configure(web(), two)
		}
		r.runtime.Back()
		r.pass(time.Minute)
		r.serves(id)
		if at := r.traffic.Live()["two"]; at != live || len(r.traffic.routed("two")["b.pl/"]) != 1 {
			r.Errorf("two points at %s, %v; want %s", at, r.traffic.routed("two"), live)
		}
	}, web(), two)
}

// A journal that cannot be written keeps a service from being removed, and nobody else from changing.
func TestOneServicesTroubleIsItsOwn(t *testing.T) {
	two := second()
	synctest.Test(t, func(t *testing.T) {
		r, full := newRig(t, web(), two), &failing{}
		r.wrap = full.around
		r.start()
		defer func() { r.stop() }()
		r.deployed(1)
		r.submit(packagedFor(two, 5))
		push := pushed(7)
		push.Repository = two.Repository
		waiting := r.submit(push)
		full.full.Store(true)
		moved := web()
		moved.Routes[0].Host = "c.pl"
		if err := r.Reconcile([]deployer.Service{moved}); err == nil {
			r.Error("it said nothing")
		}
		if to := r.traffic.routed("web")["c.pl/"]; len(to) != 1 {
			r.Errorf("web has %v, want c.pl", r.traffic.routed("web"))
		}
		full.full.Store(false)
		r.configure(moved)
		r.because(waiting, deployer.Cancelled, "no longer in the configuration")
	})
}
