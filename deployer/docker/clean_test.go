package docker_test

import (
	"context"
	"errors"
	"testing"

	"github.com/docker/docker/api/types/image"
)

func cleanFreesTheDisk(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	b.pull(t, r)
	if err := b.Clean(t.Context(), r.Service.Name, nil); err != nil {
		t.Fatal(err)
	}
	if b.has(t, b.image()+"@"+r.Digest) {
		t.Error("the image is still on the disk under its digest")
	}
}

func cleanLeavesWhatIsUsed(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	b.live(t, r)
	for range 2 {
		if err := b.Clean(t.Context(), r.Service.Name, nil); err != nil {
			t.Fatal(err)
		}
		if !b.has(t, b.image()+"@"+r.Digest) {
			t.Fatal("the image of a container that runs is gone")
		}
	}
	if err := errors.Join(b.Retire(t.Context(), r.ID), b.Clean(t.Context(), r.Service.Name, nil)); err != nil {
		t.Fatal(err)
	}
	if b.has(t, b.image()+"@"+r.Digest) {
		t.Error("nothing uses the image any more, and it is still there")
	}
}

func cleanLeavesWhatOthersTagged(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	b.pull(t, r)
	theirs := "theirs-" + b.network + ":1"
	if err := b.api.ImageTag(t.Context(), b.image()+"@"+r.Digest, theirs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, ref := range []string{b.image() + "@" + r.Digest, theirs} {
			_, _ = b.api.ImageRemove(context.Background(), ref, image.RemoveOptions{})
		}
	})
	if err := b.Clean(t.Context(), r.Service.Name, nil); err != nil {
		t.Fatal(err)
	}
	if !b.has(t, theirs) || b.has(t, "fisherman/"+r.Service.Name+":"+r.ID) {
		t.Error("want our tag gone and theirs left")
	}
}
