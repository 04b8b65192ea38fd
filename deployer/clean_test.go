package deployer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// Mutants: retained without the targets; without the origin of what is live.
func TestEveryReleaseThatIsOfferedToGoBackToStarts(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := web()
			dice := rand.New(rand.NewPCG(seed, 7))
			s.Retain = dice.IntN(4)
			inBubble(t, func(r *rig) {
				newest := 0
				for range 15 {
					newest++
					switch dice.IntN(5) {
					case 0:
						r.runtime.On(digest(newest), deployertest.Script{Await: deployertest.Step{Err: errSick}})
					case 1:
						_, _ = r.Rollback("web", "", "octocat") // there may be none
					}
					r.submit(packaged(newest))
					targets, err := r.Rollbacks(r.Context(), "web")
					if err != nil || len(targets) > s.Retain {
						r.Fatalf("%d targets, %v; want %d at most", len(targets), err, s.Retain)
					}
					images := r.runtime.Images("web")
					for _, target := range targets {
						if !slices.Contains(images, target.ID) && !slices.Contains(images, target.From) {
							r.Fatalf("step %d: %s can be gone back to, and the images are %q", newest, target.ID, images)
						}
					}
				}
				targets, _ := r.Rollbacks(r.Context(), "web")
				for _, target := range targets {
					back, err := r.Rollback("web", target.ID, "octocat")
					if err != nil {
						r.Fatal(err)
					}
					r.pass(time.Second)
					r.is(back.ID, deployer.Succeeded)
					r.serves(back.ID)
				}
			}, s)
		})
	}
}

// Mutants: preflight that fails at once; cleanThoroughly that does nothing.
func TestAFullDiskIsCleanedBeforeADeploymentIsRefused(t *testing.T) {
	inBubble(t, func(r *rig) {
		for n := range 4 {
			r.deployed(n + 1)
		}
		full := fmt.Errorf("12 MiB are free and 300 MiB are needed: %w", deployer.ErrNoSpace)
		r.runtime.On(digest(5), deployertest.Script{Preflight: deployertest.Step{Err: full}})
		id := r.submit(packaged(5))
		r.because(id, deployer.Failed, "12 MiB are free")
		if images := r.runtime.Images("web"); len(images) > 3 { // live, one to go back to, and the one that failed
			r.Errorf("the images %q are still there", images)
		}
		if n := r.count("pull web " + digest(5)); n != 0 {
			r.Error("it was pulled all the same")
		}
		r.runtime.On(digest(5), deployertest.Script{})
		again := packaged(5)
		again.Delivery = "again"
		r.is(r.submit(again), deployer.Succeeded)
	})
}

// Where Docker keeps its images may not be seen from here, and how large an image is nobody says in advance. Mutant: a pull
// that is not tried again.
func TestADiskThatAPullFillsIsCleanedBeforeADeploymentFails(t *testing.T) {
	inBubble(t, func(r *rig) {
		for n := range 4 {
			r.deployed(n + 1)
		}
		full := fmt.Errorf("write layer: %w", deployer.ErrNoSpace)
		r.runtime.On(digest(5), deployertest.Script{Pull: deployertest.Step{Err: full}})
		id := r.submit(packaged(5))
		r.because(id, deployer.Failed, "write layer")
		if images := r.runtime.Images("web"); len(images) > 2 { // live and one to go back to
			r.Errorf("the images %q are still there", images)
		}
		if n := r.count("pull web " + digest(5)); n != 2 {
			r.Errorf("it was pulled %d times, want once more after the cleaning", n)
		}
	})
}

// Mutant: cleanThoroughly of the lanes only.
func TestAFullDiskIsNoPlaceForAServiceThatLeftTheConfiguration(t *testing.T) {
	other := web()
	other.Name, other.Repository, other.Routes = "other", "o/other", nil
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.stop()
		r.services = r.services[1:]
		r.start()
		r.pass(time.Minute)
		r.runtime.On(digest(2), deployertest.Script{Preflight: deployertest.Step{Err: deployer.ErrNoSpace}})
		next := packaged(2)
		next.Repository = "o/other"
		r.because(r.submit(next), deployer.Failed, "disk space")
		if images := r.runtime.Images("web"); len(images) > 0 || len(r.releases()) > 0 {
			r.Errorf("the images %q and the releases %+v are still there", images, r.releases())
		}
	}, web(), other)
}

// Mutant: pullOnce that takes no place.
func TestPullsOfSeveralServicesRunSideBySideUpToACap(t *testing.T) {
	var services []deployer.Service
	for n := range 5 {
		s := web()
		s.Name, s.Routes = fmt.Sprint("web", n), nil
		services = append(services, s)
	}
	inBubble(t, func(r *rig) {
		arrives := make(chan struct{})
		r.runtime.On(digest(1), deployertest.Script{Pull: deployertest.Step{Hold: arrives}})
		all := r.deliver(packaged(1)).Deployments
		begun := func() (n int) {
			for _, s := range services {
				n += r.count("pull " + s.Name + " " + digest(1))
			}
			return n
		}
		if n := begun(); n != 3 {
			r.Errorf("%d pulls run side by side, want 3", n)
		}
		close(arrives)
		r.settle()
		if n := begun(); n != len(all) {
			r.Errorf("%d pulls were begun, want %d", n, len(all))
		}
		for _, d := range all {
			r.is(d.ID, deployer.Succeeded)
		}
	}, services...)
}
