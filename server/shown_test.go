package server

import (
	"testing"

	"fisherman/deployer"
)

// What a service shows while nothing of it is live, and where a worker's containers are.
func TestServiceShown(t *testing.T) {
	worker := deployer.Service{Name: "mail", Image: "ghcr.io/o/mail", Tag: "stable"}
	idle := service(deployer.ServiceStatus{Service: worker, State: "down"})
	if idle.Image != "ghcr.io/o/mail:stable" || idle.Digest != "" || idle.Deployment != "" {
		t.Errorf("got %+v, want the configured image and nothing else", idle)
	}
	if idle.Routes == nil || idle.Replicas == nil {
		t.Error("a list would be null")
	}
	busy := service(deployer.ServiceStatus{Service: worker, Replicas: []deployer.Replica{{Address: "172.18.0.4", Running: true}}})
	if got := busy.Replicas[0].Address; got != "172.18.0.4" {
		t.Errorf("a worker's replica is at %q, want the bare address", got)
	}
}

func TestImageShown(t *testing.T) {
	tests := map[string]deployer.Deployment{
		"ghcr.io/o/web:v2":        {Image: "ghcr.io/o/web", Reference: "v2", Digest: "sha256:00"},
		"ghcr.io/o/web@sha256:00": {Image: "ghcr.io/o/web", Digest: "sha256:00"},
		"ghcr.io/o/web":           {Image: "ghcr.io/o/web"},
	}
	for want, d := range tests {
		if got := image(d); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
