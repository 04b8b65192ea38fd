package docker_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"fisherman/deployer"
)

// attic is a service whose releases come and go, and what the model says is kept of it.
type attic struct {
	*bench
	random  *rand.Rand
	digests []string
	service deployer.Service
	kept    []deployer.Release
	running map[string]bool
}

// retainedReleasesStart: whatever came and went, every deployment that is listed as retained starts without a registry, and
// what others have on the engine is left alone.
func retainedReleasesStart(t *testing.T, b *bench) {
	for seed := range uint64(2) {
		t.Logf("sequence %d", seed)
		var g gate
		b := b.behind(t, &g)
		a := &attic{bench: b, random: rand.New(rand.NewPCG(seed, 7)), service: b.release("").Service, running: map[string]bool{}}
		for range 3 {
			a.digests = append(a.digests, b.push(t))
		}
		foreign := a.leaveForeignThings(t)
		for range 12 {
			a.step(t)
			a.holds(t)
		}
		g.set(refuse(502, "UNKNOWN", "the registry is gone"))
		for _, r := range a.kept {
			a.comesBack(t, r)
		}
		foreign(t)
		if err := b.Clean(t.Context(), a.service.Name, nil); err != nil {
			t.Error(err)
		}
	}
}

func (a *attic) step(t *testing.T) {
	t.Helper()
	switch n := a.random.IntN(10); {
	case n < 5 || len(a.kept) == 0: // releases share images, and all of them share a layer
		r := a.release(a.digests[a.random.IntN(len(a.digests))])
		r.Service = a.service
		a.pull(t, r)
		a.kept = append(a.kept, r)
	case n < 7:
		r := a.kept[a.random.IntN(len(a.kept))]
		if err := a.Start(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		a.running[r.ID] = true
	case n < 8:
		r := a.kept[a.random.IntN(len(a.kept))]
		if err := a.Retire(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		delete(a.running, r.ID)
	default:
		a.tidy(t)
	}
}

// tidy cleans all but a random part, and what runs.
func (a *attic) tidy(t *testing.T) {
	t.Helper()
	a.kept = slices.DeleteFunc(a.kept, func(r deployer.Release) bool { return !a.running[r.ID] && a.random.IntN(2) == 0 })
	keep := []string{"01ARZ3NDEKTSV4RRFFQ69G5FAV"} // nobody's
	for _, r := range a.kept {
		keep = append(keep, r.ID)
	}
	if err := a.Clean(t.Context(), a.service.Name, keep); err != nil {
		t.Fatal(err)
	}
}

func (a *attic) holds(t *testing.T) {
	t.Helper()
	var want []string
	for _, r := range a.kept {
		want = append(want, r.ID)
	}
	slices.Sort(want)
	if got, err := a.Retained(t.Context(), a.service.Name); err != nil || !slices.Equal(got, want) {
		t.Errorf("retained are %v, %v; want %v", got, err, want)
	}
}

// comesBack rolls back to a release.
func (a *attic) comesBack(t *testing.T, to deployer.Release) {
	t.Helper()
	r := a.release(to.Digest)
	r.Service, r.From = a.service, to.ID
	if _, err := a.Pull(t.Context(), r, silent); err != nil {
		t.Errorf("roll back to %s: %v", to.ID, err)
		return
	}
	if err := a.Start(t.Context(), r); err != nil {
		t.Errorf("roll back to %s: %v", to.ID, err)
	}
	if err := a.Retire(t.Context(), r.ID); err != nil {
		t.Error(err)
	}
}

// leaveForeignThings puts on the engine what is not ours but looks like it: an image of the same layer under another's tag, the
// image of one of our releases under another's tag, an image without a name, a container without our label, and one with
// another network's. The result checks that they are still there.
func (a *attic) leaveForeignThings(t *testing.T) func(*testing.T) {
	t.Helper()
	ctx := context.Background()
	tagged, shared, nameless := "foreign-"+a.network+":1", "foreign-"+a.network+":2", a.image()+"@"+a.push(t)
	other := a.image() + "@" + a.push(t)
	for tag, ref := range map[string]string{tagged: other, shared: a.image() + "@" + a.digests[0], "": nameless} {
		stream, err := a.api.ImagePull(ctx, ref, image.PullOptions{})
		if err == nil {
			_ = drain(stream)
		}
		if err == nil && tag != "" {
			err = a.api.ImageTag(ctx, ref, tag)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	containers := []string{a.network + "-plain", a.network + "-others"}
	for i, labels := range []map[string]string{nil, {"fisherman.network": "others", "fisherman.service": a.service.Name}} {
		if _, err := a.api.ContainerCreate(ctx, &container.Config{Image: tagged, Labels: labels}, nil, nil, nil, containers[i]); err != nil {
			t.Fatal(err)
		}
	}
	forget := func() {
		for _, name := range containers {
			_ = a.api.ContainerRemove(ctx, name, container.RemoveOptions{Force: true})
		}
		for _, ref := range []string{tagged, other, shared, nameless} {
			_, _ = a.api.ImageRemove(ctx, ref, image.RemoveOptions{Force: true})
		}
	}
	t.Cleanup(forget)
	return func(t *testing.T) {
		t.Helper()
		for _, ref := range []string{tagged, other, shared, nameless} {
			if !a.has(t, ref) {
				t.Errorf("the foreign image %s is gone", ref)
			}
		}
		for _, name := range containers {
			a.inspect(t, name)
		}
		forget()
	}
}
