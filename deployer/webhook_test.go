package deployer_test

import (
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// Mutant: Submit without seenLocked.
func TestADeliveryIsTakenOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		for _, trigger := range []deployer.Trigger{pushed(1), packaged(1)} {
			first := r.submit(trigger)
			again := r.deliver(trigger)
			if !again.Duplicate || len(again.Deployments) != 1 || again.Deployments[0].ID != first {
				r.Errorf("%s again led to %+v, want the duplicate of %s", trigger.Delivery, again, first)
			}
		}
		r.restart()
		if again := r.deliver(pushed(1)); !again.Duplicate {
			r.Errorf("after a restart it led to %+v, want a duplicate", again)
		}
		if all, err := r.Deployments("web", 10); err != nil || len(all) != 1 || r.count("pull web "+digest(1)) != 1 {
			r.Errorf("deployments %+v, %v and calls %q; want one", all, err, r.runtime.Calls())
		}
	})
}

func TestWhatIsForNobodyIsIgnored(t *testing.T) {
	with := func(t deployer.Trigger, change func(*deployer.Trigger)) deployer.Trigger { change(&t); return t }
	for name, c := range map[string]struct {
		trigger deployer.Trigger
		why     string
	}{
		"another repository": {with(pushed(1), func(t *deployer.Trigger) { t.Repository = "o/else" }), "no service follows repository o/else"},
		"another branch":     {with(pushed(1), func(t *deployer.Trigger) { t.Branch = "topic" }), "web follows branch master, and this push is to topic"},
		"the default branch, not followed": {
			with(pushed(1), func(t *deployer.Trigger) { t.Branch, t.DefaultBranch = "main", "main" }),
			"web follows branch master, and this push is to main",
		},
		"another image": {with(packaged(1), func(t *deployer.Trigger) { t.Image = "ghcr.io/o/db" }), "web runs ghcr.io/o/web, and this package is ghcr.io/o/db"},
		"another tag":   {with(packaged(1), func(t *deployer.Trigger) { t.Tag = "v1" }), "web follows tag latest, and this is v1"},
		"untagged":      {with(packaged(1), func(t *deployer.Trigger) { t.Tag = "" }), "an untagged manifest of ghcr.io/o/web"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				for range 2 { // what was ignored is judged afresh
					got := r.deliver(c.trigger)
					if len(got.Deployments) > 0 || got.Duplicate || !strings.HasPrefix(got.Ignored, c.why) {
						r.Errorf("led to %+v, want it ignored: %s", got, c.why)
					}
				}
			})
		})
	}
}

// Mutant: decide without newer.
func TestAnOlderImageDoesNotReplaceANewerOne(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.submit(pushed(1))
		newest := r.submit(pushed(2))
		r.submit(packaged(2))
		r.is(newest, deployer.Succeeded)
		r.because(old, deployer.Superseded, "commit 0000000 gave way to commit 0000000 (deployment "+newest+")")
		late := r.submit(packaged(1))
		r.because(late, deployer.Superseded, "which is live")
		r.serves(newest)
		if r.count("pull web "+digest(1)) != 0 {
			r.Errorf("the older image was pulled: %q", r.runtime.Calls())
		}
	})
}

func TestPushesThatArriveInTheWrongOrderAreDeployedInTheRightOne(t *testing.T) {
	inBubble(t, func(r *rig) {
		newest := r.submit(pushed(2))
		older := r.submit(pushed(1))
		if got := r.submit(packaged(2)); got != newest {
			r.Errorf("the package took over %s, want %s", got, newest)
		}
		r.is(older, deployer.Superseded)
		r.is(r.submit(packaged(1)), deployer.Superseded)
		r.serves(newest)
	})
}

func TestAForcePushToAnOldCommitIsTheNewest(t *testing.T) {
	inBubble(t, func(r *rig) {
		for n := 1; n <= 3; n++ {
			r.submit(pushed(n))
			r.submit(packaged(n))
		}
		back := pushed(3)
		back.Delivery, back.Before, back.After, back.Forced = "back", commit(3), commit(1), true
		waiting := r.submit(back)
		again := packaged(1)
		again.Delivery = "again"
		if got := r.submit(again); got != waiting {
			r.Errorf("the package took over %s, want %s", got, waiting)
		}
		r.is(waiting, deployer.Succeeded)
		r.serves(waiting)
	})
}

func TestAPackageBeforeItsPushIsOneDeployment(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		if got := r.submit(pushed(1)); got != id {
			r.Errorf("the late push led to %s, want %s", got, id)
		}
		if d := r.is(id, deployer.Succeeded); d.Message != "change" || d.Author != "Octo Cat" {
			r.Errorf("it is %+v, want the push's message and author", d)
		}
		r.is(r.submit(packaged(2)), deployer.Succeeded)
		r.is(r.submit(pushed(2)), deployer.Succeeded)
	})
}

func TestTheSameDigestIsDeployedOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		hold := make(chan struct{})
		r.runtime.On(digest(1), deployertest.Script{Await: deployertest.Step{Hold: hold}})
		first := r.submit(packaged(1))
		again := packaged(1)
		again.Delivery = "again"
		if got := r.submit(again); got != first {
			r.Errorf("its own digest on the way led to %s, want %s", got, first)
		}
		close(hold)
		r.settle()
		r.serves(first)
		again.Delivery = "later"
		r.because(r.submit(again), deployer.Unchanged, "is live already, as deployment "+first)
		if r.count("pull web "+digest(1)) != 1 {
			r.Errorf("calls %q, want one pull", r.runtime.Calls())
		}
	})
}

func TestOneCommitDeploysEveryServiceOfItsRepository(t *testing.T) {
	second := web()
	second.Name, second.Image, second.Routes = "worker", "ghcr.io/o/worker", nil
	inBubble(t, func(r *rig) {
		receipt := r.deliver(pushed(1))
		if len(receipt.Deployments) != 2 {
			r.Fatalf("the push led to %+v, want two deployments", receipt)
		}
		of := map[string]string{}
		for _, d := range receipt.Deployments {
			of[d.Service] = d.ID
		}
		r.submit(packaged(1))
		r.is(of["web"], deployer.Succeeded)
		r.is(of["worker"], deployer.Waiting)
		image := packaged(1)
		image.Delivery, image.Image = "worker-1", "ghcr.io/o/worker"
		r.submit(image)
		r.is(of["worker"], deployer.Succeeded)
		r.serves(of["web"])
		if live := r.traffic.Live()["worker"]; live != of["worker"] {
			r.Errorf("the worker's live release is %s, want %s", live, of["worker"])
		}
	}, web(), second)
}
