package docker_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func (b *bench) publishing(t *testing.T, port int) deployer.Release {
	r := b.release(b.push(t))
	r.Service.Ports = []deployer.Port{
		{Address: "127.0.0.1", Host: port, Container: 8080, Protocol: "tcp"},
		{Address: "127.0.0.1", Host: port, Container: 53, Protocol: "udp"},
	}
	return r
}

func portsLeadToTheContainer(t *testing.T, b *bench) {
	port := deployertest.FreePort(t)
	r := b.publishing(t, port)
	b.live(t, r)
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	found := b.inspect(t, b.container(r, 0)).NetworkSettings.Ports["53/udp"]
	if len(found) != 1 || found[0].HostIP != "127.0.0.1" || found[0].HostPort != fmt.Sprint(port) {
		t.Errorf("UDP is published as %v, want port %d", found, port)
	}
	second := b.publishing(t, port)
	b.pull(t, second)
	b.refusesThePort(t, second, port)
	if err := b.Halt(t.Context(), r.ID, 0); err != nil {
		t.Fatal(err)
	}
	b.live(t, second) // recreate: what gives way frees its ports
}

func aTakenPortIsNamed(t *testing.T, b *bench) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	port := listener.Addr().(*net.TCPAddr).Port
	r := b.publishing(t, port)
	b.pull(t, r)
	b.refusesThePort(t, r, port)
}

func (b *bench) refusesThePort(t *testing.T, r deployer.Release, port int) {
	t.Helper()
	err := b.Start(t.Context(), r)
	if err == nil || errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), fmt.Sprintf("port %d of this machine is taken", port)) {
		t.Errorf("started with %v, want a final error that names port %d", err, port)
	}
}
