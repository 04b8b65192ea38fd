package deployer_test

import (
	"fmt"
	"time"

	"fisherman/deployer"
)

// web follows master and latest; releases are numbered, and so are their commits and digests.
func web() deployer.Service {
	return deployer.Service{
		Name: "web", Repository: "o/web", Follow: "master", Image: "ghcr.io/o/web", Tag: "latest", Replicas: 1,
		Routes: []deployer.Route{{Host: "a.pl", Prefix: "/", Port: 8080}},
		Health: deployer.Health{Deadline: time.Minute, Successes: 2}, Strategy: deployer.BlueGreen,
		Drain: 30 * time.Second, Stop: 10 * time.Second, Retain: 3,
	}
}

func commit(n int) string { return fmt.Sprintf("%040d", n) }

func digest(n int) string { return fmt.Sprintf("sha256:%064d", n) }

// pushed is the push of commit n after commit n-1.
func pushed(n int) deployer.Trigger {
	return deployer.Trigger{
		Kind: deployer.KindPush, Delivery: fmt.Sprintf("push-%d", n), Repository: "o/web", Sender: "octocat",
		Branch: "master", DefaultBranch: "master", Before: commit(n - 1), After: commit(n), Message: "change", Author: "Octo Cat",
	}
}

// packaged is the news of commit n's image under the service's tag.
func packaged(n int) deployer.Trigger {
	return deployer.Trigger{
		Kind: deployer.KindPackage, Delivery: fmt.Sprintf("package-%d", n), Repository: "o/web", Sender: "octocat",
		Image: "ghcr.io/o/web", Tag: "latest", Digest: digest(n), Commit: commit(n),
	}
}
