package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/server/config"
)

// TestReplacingResolved holds what the keys become that decide how a release is replaced.
func TestReplacingResolved(t *testing.T) {
	got := parse(t, service(`strategy: recreate, resources: { memory: 1.5g, cpus: "0.5", pids: 100 },
		volumes: [data:/var/lib/app/, "/etc/app/:/etc/app:ro"],
		ports: [5432:15432, "127.0.0.1:53:5353/udp", "[0:0::1]:53:53/udp", "[::ffff:10.0.0.1]:25:25"]`)).Services[0]
	equal(t, got.Resources, deployer.Resources{Memory: 1536 << 20, CPUs: 0.5, PIDs: 100})
	equal(t, got.Volumes, []deployer.Volume{
		{Source: "data", Target: "/var/lib/app"}, {Source: "/etc/app", Target: "/etc/app", ReadOnly: true},
	})
	equal(t, got.Ports, []deployer.Port{
		{Host: 5432, Container: 15432, Protocol: "tcp"},
		{Address: "127.0.0.1", Host: 53, Container: 5353, Protocol: "udp"},
		{Address: "::1", Host: 53, Container: 53, Protocol: "udp"},
		{Address: "10.0.0.1", Host: 25, Container: 25, Protocol: "tcp"},
	})
	equal(t, parse(t, service("bake: 60s")).Services[0].Bake, time.Minute)
}

// TestReplacingByDefaults: all of it can be said once, for all services, the choice of a strategy included.
func TestReplacingByDefaults(t *testing.T) {
	got := parse(t, `
github: { secret: s }
defaults: { strategy: recreate, resources: { memory: 64m, pids: 50 }, volumes: [data:/data] }
services:
  a: { repository: o/a, image: ghcr.io/o/a, ports: [25:25], resources: { memory: 128m } }
  b: { repository: o/b, image: ghcr.io/o/b, volumes: [] }
  c: { repository: o/c, image: ghcr.io/o/c, strategy: blue-green, bake: 1m }
`).Services
	equal(t, got[0].Resources, deployer.Resources{Memory: 128 << 20, PIDs: 50})
	equal(t, []int{len(got[0].Volumes), len(got[1].Volumes), len(got[2].Volumes)}, []int{1, 0, 1})
	equal(t, []deployer.Strategy{got[0].Strategy, got[2].Strategy}, []deployer.Strategy{deployer.Recreate, deployer.BlueGreen})
}

// TestWhoListensWhere: a service cannot have a port that is somebody else's, and can have any other.
func TestWhoListensWhere(t *testing.T) {
	for _, test := range []struct{ listens, port, clashes string }{
		{"", "80:80", "proxy.http"},
		{"", "127.0.0.1:80:80", "proxy.http"},
		{"", "80:80/udp", ""},
		{"", "443:443", ""}, // without certificates the proxy is not there
		{"proxy: { https: ':443' }, ", "443:443", "proxy.https"},
		{"proxy: { http: ':0' }, ", "80:80", ""},
		{"proxy: { http: '127.0.0.1:80' }, ", "10.0.0.1:80:80", ""},
		{"proxy: { http: '127.0.0.1:80' }, ", "80:80", "proxy.http"},
		{"proxy: { http: '[::]:80' }, ", "10.0.0.1:80:80", "proxy.http"},
		{"", "5000:5000", "server.listen"},
		{"", "10.0.0.1:5000:5000", ""},
		{"server: { listen: 'localhost:6000' }, ", "127.0.0.1:6000:80", "server.listen"},
		{"server: { listen: 'localhost:6000' }, ", "10.0.0.1:6000:80", ""},
		{"server: { listen: 'box.example.com:6000' }, ", "10.0.0.1:6000:80", "server.listen"},
	} {
		text := strings.Replace(service(fmt.Sprintf("strategy: recreate, ports: ['%s']", test.port)), "services:", test.listens+"services:", 1)
		_, err := config.Parse([]byte(text), environment)
		switch {
		case test.clashes == "" && err != nil:
			t.Errorf("%s beside %s: %v", test.port, test.listens, err)
		case test.clashes != "" && (err == nil || !strings.Contains(err.Error(), "the other is "+test.clashes)):
			t.Errorf("%s beside %s: got %v, want a clash with %s", test.port, test.listens, err, test.clashes)
		}
	}
}
