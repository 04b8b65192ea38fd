package deployer_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	"fisherman/deployer/journal"
)

// Mutants: resumeJobs that requeues what is live; requeued that leaves the state; New without recallActive.
func TestARestartEndsEveryDeploymentTruthfully(t *testing.T) {
	for _, in := range []deployer.State{deployer.Waiting, deployer.Pulling, deployer.Starting, deployer.Verifying, deployer.Draining} {
		t.Run(string(in), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.deployed(1)
				r.held(2, in)
				if in == deployer.Draining {
					r.traffic.holdDrains()
				}
				id := r.submit(pushed(2))
				if in != deployer.Waiting {
					r.submit(packaged(2))
				}
				r.is(id, in)
				r.stop()
				r.runtime.On(digest(2), deployertest.Script{})
				r.start()
				r.settle()
				if in == deployer.Waiting {
					r.is(id, deployer.Waiting)
					r.submit(packaged(2))
				}
				r.is(id, deployer.Succeeded)
				r.serves(id)
				if in == deployer.Draining && r.count("start web "+digest(2)) != 1 {
					r.Errorf("calls %q: what was live was started anew", r.runtime.Calls())
				}
			})
		})
	}
}

func TestAQueuedDeploymentOutlivesTheProcess(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stop()
		r.open()
		receipt, err := r.Submit(packaged(1))
		if err != nil {
			r.Fatal(err)
		}
		id := receipt.Deployments[0].ID
		r.is(id, deployer.Queued)
		r.restart()
		r.is(id, deployer.Succeeded)
		r.serves(id)
	})
}

// TestACrashInsideTheSwitch: the route file decides. Mutant: resumeJobs that does not ask it.
func TestACrashInsideTheSwitch(t *testing.T) {
	for name, c := range map[string]struct {
		renamed bool
		starts  int
	}{
		"before the rename it is done again": {false, 2},
		"after the rename it goes on":        {true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				old := r.deployed(1)
				r.held(2, deployer.Verifying)
				id := r.submit(packaged(2))
				r.stop()
				r.runtime.On(digest(2), deployertest.Script{})
				r.write(func(d *deployer.Deployment) { d.State = deployer.Switching }, id)
				if c.renamed {
					if _, err := r.traffic.Point("web", id, nil); err != nil {
						r.Fatal(err)
					}
				}
				r.start()
				r.settle()
				r.is(id, deployer.Succeeded)
				r.serves(id)
				if n := r.count("start web " + digest(2)); n != c.starts {
					r.Errorf("it was started %d times, want %d", n, c.starts)
				}
				if slices.Contains(r.up("web"), old) {
					r.Error("the old release still runs")
				}
			})
		})
	}
}

// write changes deployments in the journal of a stopped Deployer.
func (r *rig) write(change func(*deployer.Deployment), ids ...string) {
	r.Helper()
	j, err := journal.Open(r.file)
	if err != nil {
		r.Fatal(err)
	}
	for _, id := range ids {
		d, err := j.Deployment(id)
		if err != nil {
			r.Fatal(err)
		}
		change(&d)
		if err := j.Commit(deployer.Change{Deployments: []deployer.Deployment{d}}); err != nil {
			r.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		r.Fatal(err)
	}
}

func TestWhatRunsIsAdoptedAsItIs(t *testing.T) {
	inBubble(t, func(r *rig) {
		live := r.deployed(1)
		before := len(r.runtime.Calls())
		r.registry.has("latest", 2)
		r.restart()
		r.pass(10 * time.Minute)
		r.serves(live)
		if calls := r.runtime.Calls()[before:]; len(calls) > 0 {
			r.Errorf("the start called %q, want nothing touched", calls)
		}
	})
}

// Mutants: keepLive without startMissing; adopt that does not pause.
func TestALiveReleaseThatDoesNotRunIsStartedAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		live := r.deployed(1)
		r.stop()
		r.runtime.Die(live, "the machine was rebooted")
		r.start()
		r.settle()
		if r.traffic.pauses != 1 { // it may be over by now
			r.Error("requests are not held back while the release is started again")
		}
		r.pass(time.Second)
		r.serves(live)
	})
}

// The engine goes on with what it was told before the kill. Mutant: restore without holdBack.
func TestAReleaseThatWasMakingWayIsNotTrustedBeforeTheFirstListing(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		slow := make(chan struct{})
		r.runtime.On(digest(2), deployertest.Script{Start: deployertest.Step{Hold: slow}})
		next := r.submit(packaged(2))
		r.is(next, deployer.Starting)
		r.stop()
		r.traffic.resume()
		r.runtime.Away()
		r.start()
		r.settle()
		if !r.traffic.isPaused("web") {
			r.Error("requests go to a container that may have been stopped")
		}
		close(slow)
		r.runtime.Back()
		r.pass(time.Minute)
		r.serves(next)
	}, recreated())
}

// Mutant: redeploy with the arrival of now.
func TestALiveReleaseThatIsGoneIsDeployedAnewAndTakesNoWaitingPush(t *testing.T) {
	for name, remove := range map[string]func(*rig, string){
		"while fisherman was away": func(r *rig, id string) {
			r.stop()
			_ = r.runtime.Retire(r.Context(), id)
			r.start()
		},
		"while fisherman runs": func(r *rig, id string) { _ = r.runtime.Retire(r.Context(), id) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				anonymous := packaged(1)
				anonymous.Commit = ""
				live := r.submit(anonymous)
				waiting := r.submit(pushed(2))
				r.registry.has("latest", 1)
				remove(r, live)
				r.pass(20 * time.Second)
				anew := r.traffic.Live()["web"]
				d := r.is(anew, deployer.Succeeded)
				if d.Digest != digest(1) || d.Cause.Kind != deployer.KindReconcile || d.From != live {
					r.Errorf("deployed %+v, want the last good digest", d)
				}
				r.serves(anew)
				r.is(waiting, deployer.Waiting)
				if got := r.submit(packaged(2)); got != waiting {
					r.Errorf("the package took over %s, want %s", got, waiting)
				}
				r.serves(waiting)
			})
		})
	}
}

// Mutant: previous that passes over rollbacks.
func TestWhereTheRoutesAreLostTheLastGoodDigestIsDeployed(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.deployed(2)
		back := r.rolledBack("")
		r.stop()
		if _, err := r.traffic.Reroute(map[string]map[string][]string{"web": nil}); err != nil {
			r.Fatal(err)
		}
		_ = r.runtime.Retire(r.Context(), back.ID)
		r.start()
		r.settle()
		if d := r.is(r.traffic.Live()["web"], deployer.Succeeded); d.Digest != digest(1) {
			r.Errorf("deployed %+v, want release 1, which served last", d)
		}
	})
}

func TestAFailedDigestDoesNotComeBackWithAStart(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.runtime.On(digest(1), deployertest.Script{Await: deployertest.Step{Err: errors.New("sick")}})
		r.is(r.submit(packaged(1)), deployer.Failed)
		r.registry.has("latest", 1)
		r.restart()
		r.pass(time.Hour)
		if n := r.count("start web " + digest(1)); n != 1 {
			r.Errorf("it was started %d times, want once", n)
		}
	})
}

// Mutants: keepUp without dueToStart; keepUp without repoint.
func TestALiveContainerThatDiesIsStartedAgainAndFollowed(t *testing.T) {
	inBubble(t, func(r *rig) {
		live := r.deployed(1)
		before := r.traffic.routed("web")["a.pl/"][0]
		r.runtime.Die(live, "killed")
		r.pass(11 * time.Second)
		r.serves(live)
		if r.traffic.routed("web")["a.pl/"][0] == before {
			r.Error("the routes still have the old address")
		}
		for range 30 {
			r.runtime.Die(live, "killed again")
			r.pass(10 * time.Second)
		}
		if n := r.count("start web " + digest(1)); n > 15 {
			r.Errorf("started %d times in five minutes, want it to back off", n)
		}
	})
}

func TestAServiceThatLeftTheConfigurationIsStoppedAndRemovedADayLater(t *testing.T) {
	other := web()
	other.Name, other.Repository, other.Tag = "other", "o/other", "other"
	inBubble(t, func(r *rig) {
		live := r.deployed(1)
		r.held(2, deployer.Verifying)
		underWay := r.submit(packaged(2))
		waiting := r.submit(pushed(3))
		r.stop()
		r.services = r.services[1:]
		r.start()
		r.pass(23 * time.Hour)
		if len(r.traffic.Live()) > 0 || len(r.up("web")) > 0 || !slices.ContainsFunc(r.releases(), func(x deployer.Running) bool { return x.ID == live }) {
			r.Errorf("traffic %v, releases %+v; want no routes and stopped containers", r.traffic.Live(), r.releases())
		}
		r.because(underWay, deployer.Cancelled, "no longer in the configuration")
		r.because(waiting, deployer.Cancelled, "no longer in the configuration")
		r.pass(2 * time.Hour)
		if all := r.releases(); len(all) > 0 {
			r.Errorf("%+v are left a day later, want nothing", all)
		}
	}, web(), other)
}

func TestAStartWithoutAnEngineWaitsForIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		live := r.deployed(1)
		r.stop()
		r.runtime.Away()
		r.start()
		r.pass(time.Minute)
		if r.Ready() == nil {
			r.Error("it is ready without an engine")
		}
		next := r.submit(packaged(2))
		if at := r.traffic.Live()["web"]; at != live {
			r.Errorf("traffic points at %s, want it left at %s", at, live)
		}
		r.runtime.Back()
		r.pass(time.Minute)
		if err := r.Ready(); err != nil {
			r.Errorf("not ready with the engine back: %v", err)
		}
		r.serves(next)
	})
}

// TestStoppingIsPrompt: a stop does not wait for what can go on after the next start, nor for a disk that is full.
func TestStoppingIsPrompt(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.held(2, deployer.Verifying)
		r.submit(packaged(2))
		begun := time.Now()
		r.stop()
		if took := time.Since(begun); took > time.Second {
			r.Errorf("it took %s to stop", took)
		}
		r.start()
	})
}

// Mutants: inquire without earlier; a bake until its beginning and its time; an id of the wall clock.
func TestAClockThatIsSetBackLetsNothingWaitUntilThen(t *testing.T) {
	inBubble(t, func(r *rig) {
		_, next := r.baking()
		waiting := r.submit(pushed(3))
		r.stop()
		var arrival int64
		r.write(func(d *deployer.Deployment) {
			d.CreatedAt, d.Arrival = d.CreatedAt.Add(24*time.Hour), d.Arrival+int64(24*time.Hour)
			for i := range d.Steps {
				d.Steps[i].At = d.Steps[i].At.Add(24 * time.Hour)
			}
			arrival = d.Arrival
		}, next, waiting)
		r.start()
		r.pass(2 * time.Minute)
		r.is(next, deployer.Succeeded)
		r.is(waiting, deployer.Waiting)
		r.registry.has("latest", 3)
		r.pass(2 * time.Minute)
		r.is(waiting, deployer.Succeeded)
		if r.submit(pushed(4)); !r.moment.After(time.Unix(0, arrival)) {
			r.Errorf("an id is of %s, and one that was before it of %s", r.moment, time.Unix(0, arrival))
		}
		r.pass(31 * time.Minute)
		if active, err := r.Tend(r.Context()); err != nil || len(active) > 0 {
			r.Errorf("%+v have not ended (%v)", active, err)
		}
	}, baked())
}

// TestAStopOfTheProgramWaitsForNoContainersEnd: what is being undone then may take its stop time, an hour, and is no matter of
// the old process. Mutant: undo that outlives the program.
func TestAStopOfTheProgramWaitsForNoContainersEnd(t *testing.T) {
	for _, s := range []deployer.Service{web(), recreated()} {
		t.Run(string(s.Strategy), func(t *testing.T) {
			s.Stop = time.Hour
			inBubble(t, func(r *rig) {
				old := r.deployed(1)
				stuck := deployertest.Script{Await: deployertest.Step{Err: errors.New("no route to it")}, Halt: deployertest.Step{Hold: make(chan struct{})}}
				r.runtime.On(digest(2), stuck)
				id := r.submit(packaged(2))
				r.pass(time.Minute)
				begun := time.Now()
				r.stop()
				if took := time.Since(begun); took > time.Second {
					r.Errorf("the stop took %s", took)
				}
				r.runtime.On(digest(2), deployertest.Script{})
				r.start()
				r.pass(time.Minute)
				r.because(id, deployer.Failed, "no route to it")
				r.serves(old)
			}, s)
		})
	}
}

// TestWhatHasYetToComeUpIsHeldAtOnce, where the routes are lost: requests that wait for theirs get no 503. Mutant: claimRoutes that
// points, and pauses then.
func TestWhatHasYetToComeUpIsHeldAtOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		r.stop()
		r.traffic.live, r.traffic.routes = map[string]string{}, map[string]map[string][]string{}
		r.traffic.resume()
		r.runtime.Die(id, "exited with 1")
		r.traffic.onPoint(func() {
			if len(r.traffic.routes["web"]["a.pl/"]) == 0 && !r.traffic.paused["web"] {
				r.Error("a.pl leads nowhere, and nobody waits")
			}
		})
		r.start()
		r.pass(time.Minute)
		r.serves(id)
	})
}
