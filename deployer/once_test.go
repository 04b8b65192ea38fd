package deployer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// prepared is web with a `before` and an `after`.
func prepared() deployer.Service {
	s := web()
	s.Before = deployer.Task{Args: []string{"migrate", "--password=hunter2"}, Deadline: 10 * time.Minute}
	s.After = deployer.Task{Args: []string{"warm"}, Deadline: time.Minute}
	return s
}

func failingOnce(text string) deployertest.Script {
	return deployertest.Script{Once: deployertest.Step{Err: errors.New(text)}, Output: []string{"migrating 1", "no such table"}}
}

// order is where calls stand among the calls of the runtime; -1: nowhere.
func (r *rig) order(calls ...string) (at []int) {
	for _, c := range calls {
		at = append(at, slices.Index(r.runtime.Calls(), c))
	}
	return at
}

// Mutants: bringUp without prepare; prepare that ignores the error.
func TestBeforeRunsBeforeAnythingIsStarted(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		at := r.order("pull web "+digest(1), "before web "+digest(1), "start web "+digest(1), "after web "+digest(1))
		if at[0] < 0 || !slices.IsSorted(at) {
			r.Errorf("calls %q, want pull, before, start, after", r.runtime.Calls())
		}
		if log := r.get(id).Log(); !strings.Contains(log, "before | hello") || !strings.Contains(log, "after | hello") || strings.Contains(log, "hunter2") {
			r.Errorf("its log has not what they said, or has their arguments:\n%s", log)
		}
	}, prepared())
}

func TestABeforeThatFailsEndsTheDeployment(t *testing.T) {
	for name, s := range map[string]deployer.Service{"blue-green": prepared(), "recreate": withTasks(recreated())} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				old := r.deployed(1)
				r.runtime.On(digest(2), failingOnce("exited with code 3"))
				id := r.submit(packaged(2))
				r.because(id, deployer.Failed, "exited with code 3")
				r.serves(old)
				for _, call := range []string{"start web " + digest(2), "halt web " + digest(1), "after web " + digest(2)} {
					if r.count(call) > 0 {
						r.Errorf("calls %q: %s", r.runtime.Calls(), call)
					}
				}
				log := r.get(id).Log()
				if !strings.Contains(log, "before | migrating 1") || !strings.Contains(log, "before | no such table") || strings.Contains(log, "stopped the new release") {
					r.Errorf("its log is\n%s", log)
				}
			}, s)
		})
	}
}

func withTasks(s deployer.Service) deployer.Service {
	s.Before, s.After = prepared().Before, prepared().After
	return s
}

func TestABeforeThatHangsHasItsDeadline(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.runtime.On(digest(2), deployertest.Script{Once: deployertest.Step{Hold: make(chan struct{})}})
		id := r.submit(packaged(2))
		r.pass(10*time.Minute - 2*time.Second)
		r.is(id, deployer.Starting)
		r.pass(3 * time.Second)
		r.because(id, deployer.Failed, "run `before`: not done within 10m0s")
		r.serves(old)
	}, prepared())
}

func TestABeforeIsStoppedWithItsDeployment(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(r *rig, id string)
		want deployer.State
	}{
		"cancelled": {func(r *rig, id string) {
			if _, err := r.Cancel(id); err != nil {
				r.Fatal(err)
			}
		}, deployer.Cancelled},
		"superseded": {func(r *rig, _ string) { r.submit(packaged(3)) }, deployer.Superseded},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.deployed(1)
				r.runtime.On(digest(2), deployertest.Script{Once: deployertest.Step{Hold: make(chan struct{})}})
				id := r.submit(packaged(2))
				r.is(id, deployer.Starting)
				c.end(r, id)
				r.settle()
				r.is(id, c.want)
				if r.runtime.Tasks("web") > 0 || r.count("start web "+digest(2)) > 0 {
					r.Errorf("%d of it run; calls %q", r.runtime.Tasks("web"), r.runtime.Calls())
				}
			}, prepared())
		})
	}
}

// TestABeforeIsTriedAgainWhileTheEngineIsAway: it may have run in part, so it must bear to run again.
func TestABeforeIsTriedAgainWhileTheEngineIsAway(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.runtime.On(digest(1), deployertest.Script{Once: deployertest.Step{Err: fmt.Errorf("the engine was restarted: %w", deployer.ErrUnavailable)}})
		id := r.submit(packaged(1))
		r.is(id, deployer.Starting)
		r.runtime.On(digest(1), deployertest.Script{})
		r.pass(time.Second)
		r.is(id, deployer.Succeeded)
	}, prepared())
}

// Mutant: bringUp that does not sweep.
func TestWhatACrashLeftOfABeforeIsRemovedFirst(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.runtime.On(digest(1), deployertest.Script{Once: deployertest.Step{Hold: make(chan struct{})}})
		id := r.submit(packaged(1))
		r.is(id, deployer.Starting)
		r.stop()
		r.leaves(id, digest(1))
		r.services = []deployer.Service{web()} // without its `before`
		r.start()
		r.settle()
		r.is(id, deployer.Succeeded)
		if at := r.order("sweep web", "start web "+digest(1)); r.runtime.Tasks("web") > 0 || at[0] < 0 || !slices.IsSorted(at) {
			r.Errorf("%d of it still run; calls %q, want it swept before the start", r.runtime.Tasks("web"), r.runtime.Calls())
		}
	}, prepared())
}

// leaves puts a task on the engine that nobody waits for.
func (r *rig) leaves(id, digest string) {
	r.Helper()
	go func() {
		_ = r.runtime.RunOnce(r.Context(), deployer.Release{ID: id, Service: web(), Digest: digest}, "before", nil, func(string) {})
	}()
	r.settle()
	r.runtime.Forsake()
}

func TestAnAfterThatFailsChangesNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		s := failingOnce("exited with code 3")
		r.runtime.On(digest(1), s)
		id := r.submit(packaged(1))
		d := r.is(id, deployer.Succeeded)
		if d.Reason != "" || !strings.Contains(d.Warning, "exited with code 3") || !strings.Contains(d.Log(), "exited with code 3; the release stays live") {
			r.Errorf("its reason is %q, its warning %q, its log\n%s", d.Reason, d.Warning, d.Log())
		}
		r.serves(id)
		if last := r.observed[len(r.observed)-1]; last.Warning == "" {
			r.Error("observers were not told")
		}
	}, concluding())
}

// concluding is web with an `after` alone.
func concluding() deployer.Service {
	s := prepared()
	s.Before = deployer.Task{}
	return s
}

func TestAnAfterRunsAgainOnlyWhenARestartInterruptedIt(t *testing.T) {
	for name, want := range map[string]int{"interrupted": 2, "ended": 1} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.deployed(9)
				if name == "interrupted" {
					r.runtime.On(digest(10), deployertest.Script{Once: deployertest.Step{Hold: make(chan struct{})}})
				}
				r.traffic.holdDrains()
				id := r.submit(packaged(10))
				r.is(id, deployer.Draining)
				r.runtime.On(digest(10), deployertest.Script{})
				r.restart()
				r.is(id, deployer.Succeeded)
				if got := r.count("after web " + digest(10)); got != want {
					r.Errorf("`after` was run %d times, want %d", got, want)
				}
			}, concluding())
		})
	}
}

func TestGoingBackRunsNoTask(t *testing.T) {
	inBubble(t, func(r *rig) {
		first := r.deployed(1)
		r.deployed(2)
		back, err := r.Rollback("web", first, "octocat")
		if err != nil {
			r.Fatal(err)
		}
		r.settle()
		r.is(back.ID, deployer.Succeeded)
		r.serves(back.ID)
		if before, after := r.count("before web "+digest(1)), r.count("after web "+digest(1)); before != 1 || after != 1 {
			r.Errorf("`before` was run %d times and `after` %d times, want once each", before, after)
		}
	}, prepared())
}

func TestALongOutputKeepsItsBeginningAndItsEnd(t *testing.T) {
	inBubble(t, func(r *rig) {
		lines := make([]string, 5000)
		for i := range lines {
			lines[i] = fmt.Sprint("row ", i)
		}
		r.runtime.On(digest(1), deployertest.Script{Output: lines})
		id := r.submit(packaged(1))
		log := r.is(id, deployer.Succeeded).Log()
		for _, want := range []string{"queued", "before | row 0\n", "before | row 59\n", "(4880 lines of `before` are not kept)", "before | row 4940\n", "before | row 4999\n"} {
			if !strings.Contains(log, want) {
				r.Errorf("no %q in\n%s", want, log)
			}
		}
		if strings.Contains(log, "row 3000\n") {
			r.Error("the middle is kept")
		}
	}, func() deployer.Service { s := prepared(); s.After = deployer.Task{}; return s }())
}

// TestAConfigurationThatMakesNewContainersRunsTheTasks, and one that only brings a lost release back does not.
func TestAConfigurationThatMakesNewContainersRunsTheTasks(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		s := prepared()
		s.Args = []string{"--verbose"}
		r.configure(s)
		r.pass(time.Minute)
		again := r.newest("web")
		r.is(again.ID, deployer.Succeeded)
		if n := r.count("before web " + digest(1)); again.Cause.Kind != deployer.KindReconcile || n != 2 {
			r.Errorf("%s is live, and `before` was run %d times, want twice", again.Cause.Kind, n)
		}
		if err := r.runtime.Retire(r.Context(), again.ID); err != nil {
			r.Fatal(err)
		}
		r.pass(time.Minute)
		lost := r.newest("web")
		r.is(lost.ID, deployer.Succeeded)
		if n := r.count("before web " + digest(1)); lost.ID == again.ID || n != 2 {
			r.Errorf("%s was made anew, and `before` was run %d times, want no more", lost.ID, n)
		}
	}, prepared())
}
