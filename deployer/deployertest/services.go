package deployertest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"fisherman/deployer"
)

// AnyServices is a configuration out of a great many: services that come and go, and trade hosts and images.
func AnyServices(rng *rand.Rand) (all []deployer.Service) {
	hosts := rng.Perm(8)
	for _, name := range []string{"web", "api", "job", "db", "mail"} {
		if rng.IntN(3) == 0 {
			continue
		}
		s := anyService(rng, name)
		for range rng.IntN(3) {
			s.Routes = append(s.Routes, deployer.Route{Host: fmt.Sprintf("h%d.pl", hosts[0]), Prefix: "/", Port: 8080 + rng.IntN(2)})
			hosts = hosts[1:]
		}
		if name == "db" {
			s.Strategy = deployer.Recreate
		}
		if version := rng.IntN(4); version > 0 {
			s.Environment = map[string]deployer.Secret{"VERSION": deployer.Plain(fmt.Sprint(version))}
		}
		if rng.IntN(5) == 0 {
			s.Args = []string{"--verbose"}
		}
		all = append(all, s)
		if len(hosts) < 2 {
			break
		}
	}
	return all
}

// anyService is one without routes, and with what every one needs.
func anyService(rng *rand.Rand, name string) deployer.Service {
	return deployer.Service{
		Name: name, Repository: "o/" + name, Follow: "master",
		Image:    "ghcr.io/o/" + name + []string{"", "", "", "-next"}[rng.IntN(4)],
		Tag:      []string{"latest", "latest", "v1"}[rng.IntN(3)],
		Replicas: 1 + rng.IntN(3),
		Health:   deployer.Health{Deadline: time.Minute, Successes: 2},
		Strategy: deployer.BlueGreen,
		Drain:    time.Duration(1+rng.IntN(3)) * time.Second,
		Stop:     10 * time.Second,
		Retain:   rng.IntN(3),
	}
}
