package deployer_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"fisherman/deployer"
)

// engine is the runtime as one process uses it. Its answers take a moment, a different one each time, so that what
// happens at once happens in many orders.
type engine struct{ p *process }

var _ deployer.Runtime = engine{}

// moment is the way to the engine. One that is frozen lets its caller wait, for as long as a client has patience.
func (e engine) moment(ctx context.Context) error {
	time.Sleep(e.p.w.latency())
	for waited := time.Duration(0); e.p.w.frozen() && ctx.Err() == nil && !e.p.dead(); waited += time.Second {
		if waited >= 15*time.Second {
			return fmt.Errorf("no answer in %s: %w", waited, deployer.ErrUnavailable)
		}
		time.Sleep(time.Second)
	}
	switch {
	case e.p.dead():
		return errKilled
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return nil
}

func (e engine) Preflight(ctx context.Context, r deployer.Release) error {
	if err := e.moment(ctx); err != nil {
		return err
	}
	return e.p.w.fake.Preflight(e.bound(ctx), r)
}

func (e engine) Pull(ctx context.Context, r deployer.Release, progress func(deployer.Report)) (image deployer.Image, err error) {
	err = e.p.effect(func() error { image, err = e.p.w.fake.Pull(e.bound(ctx), r, progress); return err })
	return image, err
}

func (e engine) Make(ctx context.Context, r deployer.Release) error {
	return e.p.lasting(ctx, false, func(ctx context.Context) error { return e.p.w.fake.Make(ctx, r) })
}

// Start returns once a listing has it: what runs is listed as what does not for as long as nobody has been told that it does.
func (e engine) Start(ctx context.Context, r deployer.Release) error {
	return e.p.lasting(ctx, false, func(ctx context.Context) error {
		err := e.p.w.fake.Start(ctx, r)
		e.p.w.record(fact{what: started, service: r.Service.Name, release: r.ID, err: err})
		e.p.w.fake.Wait(r.ID)
		return err
	})
}

func (e engine) Await(ctx context.Context, r deployer.Release, progress func(deployer.Report)) ([]deployer.Replica, error) {
	replicas, err := e.p.w.fake.Await(e.bound(ctx), r, progress)
	if e.p.dead() {
		return nil, errKilled
	}
	if err == nil {
		e.p.w.record(fact{what: verified, service: r.Service.Name, release: r.ID})
	}
	return replicas, err
}

func (e engine) RunOnce(ctx context.Context, r deployer.Release, what string, args []string, output func(string)) error {
	return e.p.lasting(ctx, true, func(ctx context.Context) error {
		err := e.p.w.fake.RunOnce(ctx, r, what, args, func(line string) {
			if n := e.p.w.fake.Tasks(r.Service.Name); n > 1 {
				e.p.w.wrong("%d tasks of %s run at once", n, r.Service.Name)
			}
			output(line)
		})
		if !e.p.dead() {
			e.p.w.record(fact{what: ranOnce, service: r.Service.Name, release: r.ID, text: what, err: err})
		}
		return err
	})
}

func (e engine) Sweep(ctx context.Context) error {
	if err := e.moment(ctx); err != nil {
		return err
	}
	return e.p.effect(func() error { return e.p.w.fake.Sweep(ctx) })
}

func (e engine) Prober(ctx context.Context, r deployer.Release) (deployer.Probe, error) {
	if err := e.moment(ctx); err != nil {
		return deployer.Probe{}, err
	}
	return e.p.w.fake.Prober(ctx, r)
}

func (e engine) Halt(ctx context.Context, id string, grace time.Duration) error {
	return e.end(ctx, halted, id, cmp.Or(grace, 3*time.Second), func(ctx context.Context) error { return e.p.w.fake.Halt(ctx, id, grace) })
}

func (e engine) Retire(ctx context.Context, id string) error {
	return e.end(ctx, retired, id, 3*time.Second, func(ctx context.Context) error { return e.p.w.fake.Retire(ctx, id) })
}

func (e engine) Shrink(ctx context.Context, id string, containers []string) error {
	if err := e.moment(ctx); err != nil {
		return err
	}
	return e.p.lasting(ctx, e.p.w.finishes, func(ctx context.Context) error {
		gone := slices.DeleteFunc(e.p.w.release(id).Replicas, func(r deployer.Replica) bool { return !slices.Contains(containers, r.Container) })
		defer e.p.w.mar(id) // who is killed now may find in a listing what is gone
		defer e.p.w.endAddresses(e.p.number, id, gone)
		return e.p.w.fake.Shrink(ctx, id, containers)
	})
}

// end records what a release was doing when it was told to stop.
func (e engine) end(ctx context.Context, what happening, id string, grace time.Duration, do func(context.Context) error) error {
	e.p.w.doubt(what, id)
	if err := e.moment(ctx); err != nil {
		return err
	}
	return e.p.lasting(ctx, e.p.w.finishes, func(ctx context.Context) error {
		e.p.w.recordEnd(what, id)
		defer e.p.w.mar(id)
		if err := pause(ctx, e.p.w.sometimes(4, grace)); err != nil {
			return err
		}
		defer e.p.w.endAddresses(e.p.number, id, e.p.w.release(id).Replicas)
		return do(ctx)
	})
}

// pause is what an engine takes for itself.
func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (e engine) Clean(ctx context.Context, service string, keep []string) error {
	return e.p.effect(func() error { return e.p.w.fake.Clean(ctx, service, keep) })
}

func (e engine) Retained(ctx context.Context, service string) ([]string, error) {
	return e.p.w.fake.Retained(ctx, service)
}

// Releases may take long, before or after the engine looks, and what it sees lags behind.
func (e engine) Releases(ctx context.Context) ([]deployer.Running, error) {
	if err := pause(ctx, cmp.Or(e.p.w.dawdled(), e.p.w.sometimes(10, 4*time.Second))); err != nil {
		return nil, err
	}
	before, err := e.p.w.fake.Listed(ctx)
	if late := e.moment(ctx); late != nil {
		return nil, late
	}
	if err := pause(ctx, e.p.w.sometimes(10, 4*time.Second)); err != nil {
		return nil, err
	}
	return before, err
}

func (e engine) Restarts(ctx context.Context, id string) (int, error) {
	if err := e.moment(ctx); err != nil {
		return 0, err
	}
	return e.p.w.fake.Restarts(ctx, id)
}

func (e engine) Logs(ctx context.Context, id string, o deployer.LogOptions) (io.ReadCloser, error) {
	return e.p.w.fake.Logs(ctx, id, o)
}

func (e engine) Watch(ctx context.Context, changed func(string, string)) error {
	return e.p.w.fake.Watch(e.bound(ctx), changed)
}

// bound ends with the process, too, whatever its caller has detached it from.
func (e engine) bound(ctx context.Context) context.Context {
	bounded, stop := context.WithCancel(ctx)
	context.AfterFunc(e.p.life, stop)
	return bounded
}

// running lists the releases of a service that run, whatever the engine would answer.
func (w *world) running(service string) []string {
	var up []string
	for _, r := range w.releases() {
		if r.Service == service && r.Up(1) {
			up = append(up, r.ID)
		}
	}
	return up
}

func (w *world) releases() []deployer.Running {
	all, _ := w.fake.Releases(context.Background()) // it lists them even when it is away
	return all
}

// release finds one on the engine; its zero value is not there.
func (w *world) release(id string) deployer.Running {
	all := w.releases()
	if i := slices.IndexFunc(all, func(r deployer.Running) bool { return r.ID == id }); i >= 0 {
		return all[i]
	}
	return deployer.Running{}
}
