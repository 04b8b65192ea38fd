package docker

import "github.com/docker/docker/api/types/container"

// verdict is what Make and Start do with a container that has a replica's name.
type verdict int

const (
	replaced verdict = iota
	foreign
	goesOn
	startsAgain
)

// fate judges a container by its labels and state. Only one that ran before, or is known to be whole, and was made from the same
// digest and configuration is started: created but never run is what a crash leaves.
func fate(c container.InspectResponse, want map[string]string, whole bool) verdict {
	has := c.Config.Labels
	ready := c.State.Status == container.StateExited || whole && c.State.Status == container.StateCreated
	switch {
	case has[labelNetwork] != want[labelNetwork] || has[labelDeployment] != want[labelDeployment]:
		return foreign
	case c.State.Running:
		return goesOn
	case ready && has[labelSpec] == want[labelSpec] && has[labelDigest] == want[labelDigest]:
		return startsAgain
	}
	return replaced
}
