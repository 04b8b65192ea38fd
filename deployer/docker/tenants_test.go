package docker_test

import (
	"net"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"fisherman/deployer"
)

// owns asks as the proxy does.
func (b *bench) owns(service string, r deployer.Replica) bool {
	return b.Owns(service, net.JoinHostPort(r.Address, "8080"))
}

// The end of a container is known without the engine, whatever it listed before.
func anAddressIsItsContainersUntilThatEnds(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	r.Service.Replicas = 2
	replicas := b.live(t, r)
	for _, replica := range replicas {
		if !b.owns(r.Service.Name, replica) || b.owns("other", replica) {
			t.Errorf("%s: owned %t, by another %t", replica.Address, b.owns(r.Service.Name, replica), b.owns("other", replica))
		}
	}
	dead := replicas[0]
	if err := b.api.ContainerKill(t.Context(), dead.Container, "KILL"); err != nil {
		t.Fatal(err)
	}
	soon(t, "the end of the container to show", func() bool { return !b.owns(r.Service.Name, dead) })
	if !b.owns(r.Service.Name, replicas[1]) {
		t.Error("the other replica is taken for dead")
	}
	if err := b.api.ContainerRestart(t.Context(), dead.Container, container.StopOptions{}); err != nil {
		t.Fatal(err)
	}
	soon(t, "the new process to be seen", func() bool {
		if _, err := b.Releases(t.Context()); err != nil {
			t.Fatal(err)
		}
		now, err := b.api.ContainerInspect(t.Context(), dead.Container)
		if err != nil {
			t.Fatal(err)
		}
		return b.owns(r.Service.Name, deployer.Replica{Address: now.NetworkSettings.Networks[b.network].IPAddress})
	})
	if !b.Owns("any", "192.0.2.1:80") {
		t.Error("an address that nobody has seen is refused")
	}
}

// One container that the engine is busy with keeps nobody from learning where the others are. Mutant: moveAllIn that returns
// the first error.
func aStuckContainerDoesNotHoldUpTheListing(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	r.Service.Replicas = 2
	replicas := b.live(t, r)
	again, wire := b.behindWire(t)
	wire.stick("/containers/" + replicas[0].Container + "/json ")
	all, err := again.Releases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, running := range all {
		if running.ID == r.ID && !running.Up(2) {
			t.Errorf("listed as %+v, want both running", running)
		}
	}
	if again.owns("other", replicas[1]) {
		t.Error("who is behind the other's address was not learnt")
	}
	if !again.owns(r.Service.Name, replicas[0]) {
		t.Error("the one that could not be asked is not taken at its word")
	}
}

// soon polls until a condition holds.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
