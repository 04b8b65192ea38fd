package deployertest

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"fisherman/deployer"
)

// release is one release's containers.
type release struct {
	deployer.Running
	restarts int
	begun    time.Time       // when its containers started the last time
	ran      bool            // Start got to its end once: a Halt's leftover, not a crash's
	made     bool            // Make got to its end
	alive    context.Context // ends when a container exits by itself
	die      context.CancelCauseFunc
}

func (f *Fake) retainLocked(r deployer.Release) {
	if f.images[r.Service.Name] == nil {
		f.images[r.Service.Name] = map[string]string{}
	}
	f.images[r.Service.Name][r.ID] = r.Digest
}

// makeLocked creates the release's containers, unless a Make or a Halt left them or they run.
func (f *Fake) makeLocked(r deployer.Release) {
	old, ok := f.releases[r.ID]
	if ok && (old.ran || old.made) && (old.Up(1) || old.Spec == cmp.Or(r.Spec, r.Service.Spec())) {
		f.addLocked(old, r.Service.Replicas)
		return
	}
	made := &release{Running: deployer.Running{
		Service: r.Service.Name, ID: r.ID, Digest: r.Digest, Spec: r.Service.Spec(),
		StoppedAt: time.Now(),
	}}
	made.alive, made.die = context.WithCancelCause(context.Background())
	f.addLocked(made, max(1, r.Service.Replicas))
	f.releases[r.ID] = made
}

// addLocked makes the containers that are missing.
func (f *Fake) addLocked(r *release, replicas int) {
	for len(r.Replicas) < replicas {
		f.dealt++
		r.Replicas = append(r.Replicas, deployer.Replica{Container: fmt.Sprintf("c%d", f.dealt)})
	}
}

// runLocked starts what does not run; as on a real engine, addresses are dealt anew.
func (f *Fake) runLocked(r *release) {
	r.ran, r.begun, r.StoppedAt = true, time.Now(), time.Time{}
	r.alive, r.die = context.WithCancelCause(context.Background())
	for i := range r.Replicas {
		if c := &r.Replicas[i]; !c.Running {
			f.dealt++
			c.Running, c.Ended, c.Address = true, "", fmt.Sprintf("10.0.%d.%d", f.dealt/250, f.dealt%250+1)
			f.eventLocked(event{service: r.Service})
		}
	}
}

func (f *Fake) stopLocked(r *release, why string) {
	for i := range r.Replicas {
		if c := &r.Replicas[i]; c.Running {
			c.Running, c.Ended, c.Address = false, why, ""
			r.StoppedAt = time.Now()
			f.eventLocked(event{service: r.Service})
		}
	}
}

// event is what Watch tells.
type event struct{ service, fate string }

func (f *Fake) eventLocked(e event) {
	f.events = append(f.events, e)
	f.beatLocked()
}

// beatLocked wakes every Watch and every follower of logs.
func (f *Fake) beatLocked() {
	close(f.pulse)
	f.pulse = make(chan struct{})
}
