package config_test

import (
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/server/config"
)

// TestContainerResolved holds what the keys become that say how a container is made.
func TestContainerResolved(t *testing.T) {
	got := parse(t, service(`entrypoint: [/app, --serve], user: "1000:app", extra_hosts: ["DB.internal:[0:0::1]", "box:host-gateway"],
		labels: { com.example.team: web, cost: 1.10, price: "$${x}" }, cap_add: [CAP_SYS_TIME, NET_ADMIN, CAP_NET_ADMIN], cap_drop: [ALL],
		read_only: true, tmpfs: [/tmp/, "/run:size=64m,mode=0700"]`)).Services[0]
	equal(t, got.Entrypoint, []string{"/app", "--serve"})
	equal(t, got.User, "1000:app")
	equal(t, got.ExtraHosts, []string{"db.internal:::1", "box:host-gateway"})
	equal(t, got.Labels, map[string]string{"com.example.team": "web", "cost": "1.10", "price": "${x}"})
	equal(t, [][]string{got.CapAdd, got.CapDrop}, [][]string{{"NET_ADMIN", "SYS_TIME"}, {"ALL"}})
	equal(t, got.ReadOnly, true)
	equal(t, got.Tmpfs, []deployer.Tmpfs{{Target: "/tmp"}, {Target: "/run", Options: "size=64m,mode=0700"}})
}

// TestContainerByDefaults: labels merge name by name, lists and single values are a service's own or the defaults'.
func TestContainerByDefaults(t *testing.T) {
	got := parse(t, `
github: { secret: s }
defaults: { user: app, read_only: true, tmpfs: [/tmp], labels: { a: all, b: all } }
services:
  one: { repository: o/a, image: ghcr.io/o/a, user: root, read_only: false, tmpfs: [], labels: { b: one } }
  two: { repository: o/b, image: ghcr.io/o/b }
`).Services
	equal(t, []any{got[0].User, got[0].ReadOnly, len(got[0].Tmpfs)}, []any{"root", false, 0})
	equal(t, []any{got[1].User, got[1].ReadOnly, len(got[1].Tmpfs)}, []any{"app", true, 1})
	equal(t, []any{got[0].Labels, got[1].Labels}, []any{map[string]string{"a": "all", "b": "one"}, map[string]string{"a": "all", "b": "all"}})
}

// TestNoLabelIsTakenFromTheEnvironment: whatever is in there, no label has it, and no problem shows it.
func TestNoLabelIsTakenFromTheEnvironment(t *testing.T) {
	secret := func(string) (string, bool) { return "hunter2", true }
	for _, text := range []string{"${A}", "x${A}", "$$${A}", "${A}${B}"} {
		_, err := config.Parse([]byte(service("labels: { key: '"+text+"' }")), secret)
		if err == nil || !strings.Contains(err.Error(), "services.web.labels.key: is taken from the environment") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
