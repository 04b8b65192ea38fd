package deployer_test

import (
	"errors"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// Two services swap their hosts in the configuration: after the restart each serves what is its own now.
func TestRoutesThatChangeHandsAreServedAfterARestart(t *testing.T) {
	other := web()
	other.Name, other.Repository, other.Image = "rec", "o/rec", "ghcr.io/o/rec"
	other.Routes = []deployer.Route{{Host: "b.pl", Prefix: "/", Port: 8080}}
	inBubble(t, func(r *rig) {
		r.deployed(1)
		second := packaged(2)
		second.Repository, second.Image = "o/rec", "ghcr.io/o/rec"
		r.submit(second)
		r.services[0].Routes, r.services[1].Routes = r.services[1].Routes, r.services[0].Routes
		r.restart()
		if a, b := r.traffic.routed("web")["b.pl/"], r.traffic.routed("rec")["a.pl/"]; len(a) != 1 || len(b) != 1 {
			r.Errorf("web has %v, rec has %v, want each the other's old host", r.traffic.routed("web"), r.traffic.routed("rec"))
		}
	}, web(), other)
}

// The routes cannot be confirmed at the start, for a full disk say: the program runs on and tries again.
func TestRoutesThatCannotBeConfirmedAreTriedAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		r.traffic.refuses(errors.New("no space left on device"))
		r.restart()
		r.traffic.refuses(nil)
		r.pass(15 * time.Second)
		r.serves(id)
	})
}

// A lost release that cannot be deployed anew at once is tried again, ever more seldom, until it runs.
func TestALostReleaseIsDeployedAnewUntilItRuns(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		r.runtime.On(digest(1), deployertest.Script{Await: deployertest.Step{Err: errors.New("no database")}})
		if err := r.runtime.Retire(r.Context(), id); err != nil {
			r.Fatal(err)
		}
		r.restart()
		last, err := r.Deployments("web", 1)
		if err != nil || len(last) != 1 || last[0].State != deployer.Failed || last[0].Cause.Kind != deployer.KindReconcile {
			r.Fatalf("the newest deployment is %+v (%v), want a failed reconcile", last, err)
		}
		r.runtime.On(digest(1), deployertest.Script{})
		r.pass(5 * time.Minute)
		last, err = r.Deployments("web", 1)
		if err != nil || last[0].State != deployer.Succeeded {
			r.Fatalf("the newest deployment is %+v (%v), want one that succeeded", last, err)
		}
		r.serves(last[0].ID)
	})
}

// After a rollback the last good release is the one that was rolled back to.
func TestALostRollbackIsNotTurnedBack(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.deployed(2)
		back, err := r.Rollback("web", "", "octocat")
		if err != nil {
			r.Fatal(err)
		}
		r.settle()
		r.is(back.ID, deployer.Succeeded)
		if err := r.runtime.Retire(r.Context(), back.ID); err != nil {
			r.Fatal(err)
		}
		if _, err := r.traffic.Reroute(map[string]map[string][]string{"web": nil}); err != nil {
			r.Fatal(err)
		}
		r.restart()
		last, err := r.Deployments("web", 1)
		if err != nil || last[0].Digest != digest(1) || last[0].State != deployer.Succeeded {
			r.Errorf("the start ran %+v (%v), want release 1 again", last, err)
		}
	})
}

// Being listed is not being restored: readiness comes with the routes.
func TestNotReadyBeforeTheRoutesAreRestored(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stop()
		r.open()
		if _, err := r.Services(r.Context()); err != nil {
			r.Fatal(err)
		}
		if r.Ready() == nil {
			r.Error("ready before Run")
		}
	})
}

// A package fails before its push arrives: the push is answered with that deployment and waits for nothing.
func TestALatePushOfAFailedCommitDoesNotWait(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.runtime.On(digest(1), deployertest.Script{Await: deployertest.Step{Err: errors.New("exited with code 3")}})
		id := r.submit(packaged(1))
		r.is(id, deployer.Failed)
		if got := r.submit(pushed(1)); got != id {
			r.Errorf("the push led to %s, want %s, which has failed", got, id)
		}
	})
}

// What a tag was resolved to is kept also when it then changes nothing.
func TestAnUnchangedTagKeepsItsDigest(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.registry.has("latest", 1)
		asked, err := r.Deploy("web", "latest", "octocat")
		if err != nil {
			r.Fatal(err)
		}
		r.settle()
		if d := r.is(asked.ID, deployer.Unchanged); d.Digest != digest(1) {
			r.Errorf("its digest is %q, want %q", d.Digest, digest(1))
		}
	})
}
