package docker_test

import (
	"errors"
	"strings"
	"testing"

	"fisherman/deployer"
)

func limitsAreHeld(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	r.Service.Resources = deployer.Resources{Memory: 64 << 20, CPUs: 0.5, PIDs: 100}
	b.start(t, r)
	has := b.inspect(t, b.container(r, 0)).HostConfig.Resources
	if has.Memory != 64<<20 || has.MemorySwap != 64<<20 || has.NanoCPUs != 5e8 || has.PidsLimit == nil || *has.PidsLimit != 100 {
		t.Errorf("made with %+v, want 64 MiB with swap, half a core, 100 processes", has)
	}
}

func anOutOfMemoryKillIsNamed(t *testing.T, b *bench) {
	r := b.release(b.push(t, "EAT=200"))
	r.Service.Resources.Memory = 64 << 20
	b.start(t, r)
	const want = "for want of memory (limit 64 MiB)" // "perhaps", where Docker did not hear of it
	_, err := b.Await(t.Context(), r, silent)
	if err == nil || errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), want) {
		t.Errorf("awaited with %v, want that it was killed %s", err, want)
	}
	if got := b.ended(t, r); !strings.HasSuffix(got, want) {
		t.Errorf("listed as ended because it %q, want that it was killed %s", got, want)
	}
}

// ended is why the only replica of a release does not run, as Releases tells it.
func (b *bench) ended(t *testing.T, r deployer.Release) string {
	t.Helper()
	all, err := b.Releases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range all {
		if found.ID == r.ID {
			return found.Replicas[0].Ended
		}
	}
	t.Fatalf("release %s is not listed", r.ID)
	return ""
}
