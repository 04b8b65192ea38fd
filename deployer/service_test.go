package deployer_test

import (
	"testing"
	"time"

	"fisherman/deployer"
)

// plainService has none of the keys that came later.
func plainService() deployer.Service {
	return deployer.Service{
		Name: "web", Image: "ghcr.io/o/web", Environment: map[string]deployer.Secret{"A": deployer.Plain("b")}, Args: []string{"x"},
		Stop: 10 * time.Second,
	}
}

// TestSpecOfOlderVersions: the hash of what an older version made, so that an upgrade replaces no container.
func TestSpecOfOlderVersions(t *testing.T) {
	if got := plainService().Spec(); got != "bb165f050f59a529" {
		t.Errorf("got %s: upgrading would replace every container", got)
	}
}

// TestSpecCountsWhatMakesAContainer, and nothing else.
func TestSpecCountsWhatMakesAContainer(t *testing.T) {
	for name, change := range map[string]func(*deployer.Service){
		"image":       func(s *deployer.Service) { s.Image = "ghcr.io/o/other" },
		"environment": func(s *deployer.Service) { s.Environment = map[string]deployer.Secret{"A": deployer.Plain("c")} },
		"args":        func(s *deployer.Service) { s.Args = nil },
		"stop":        func(s *deployer.Service) { s.Stop = time.Second },
		"resources":   func(s *deployer.Service) { s.Resources.PIDs = 1 },
		"volumes":     func(s *deployer.Service) { s.Volumes = []deployer.Volume{{Source: "a", Target: "/a"}} },
		"ports":       func(s *deployer.Service) { s.Ports = []deployer.Port{{Host: 1, Container: 1}} },
		"entrypoint":  func(s *deployer.Service) { s.Entrypoint = []string{"x"} },
		"user":        func(s *deployer.Service) { s.User = "app" },
		"extra hosts": func(s *deployer.Service) { s.ExtraHosts = []string{"a:host-gateway"} },
		"labels":      func(s *deployer.Service) { s.Labels = map[string]string{"a": ""} },
		"cap add":     func(s *deployer.Service) { s.CapAdd = []string{"KILL"} },
		"cap drop":    func(s *deployer.Service) { s.CapDrop = []string{"KILL"} },
		"read only":   func(s *deployer.Service) { s.ReadOnly = true },
		"tmpfs":       func(s *deployer.Service) { s.Tmpfs = []deployer.Tmpfs{{Target: "/tmp"}} },
	} {
		s := plainService()
		if change(&s); s.Spec() == plainService().Spec() {
			t.Errorf("%s makes no difference", name)
		}
	}
	seen := map[string]bool{}
	for _, change := range []func(*deployer.Service){
		func(s *deployer.Service) { s.CapAdd = []string{"KILL"} },
		func(s *deployer.Service) { s.CapDrop = []string{"KILL"} },
		func(s *deployer.Service) { s.Entrypoint = []string{"KILL"} },
		func(s *deployer.Service) { s.ExtraHosts = []string{"KILL"} },
	} {
		s := plainService()
		change(&s)
		if seen[s.Spec()] {
			t.Errorf("%+v makes the same containers as another", s)
		}
		seen[s.Spec()] = true
	}
	for name, change := range map[string]func(*deployer.Service){
		"tag":      func(s *deployer.Service) { s.Tag = "edge" },
		"replicas": func(s *deployer.Service) { s.Replicas = 7 },
		"routes":   func(s *deployer.Service) { s.Routes = []deployer.Route{{Host: "a.pl", Prefix: "/", Port: 80}} },
		"health":   func(s *deployer.Service) { s.Health.Path = "/health" },
		"drain":    func(s *deployer.Service) { s.Drain = time.Hour },
		"strategy": func(s *deployer.Service) { s.Strategy = deployer.Recreate },
	} {
		s := plainService()
		if change(&s); s.Spec() != plainService().Spec() {
			t.Errorf("another %s makes other containers", name)
		}
	}
}
