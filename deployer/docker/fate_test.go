package docker

import (
	"maps"
	"testing"

	"github.com/docker/docker/api/types/container"
)

func TestFate(t *testing.T) {
	want := map[string]string{labelNetwork: "n", labelDeployment: "1", labelSpec: "s", labelDigest: "d"}
	for _, c := range []struct {
		status string
		has    map[string]string // instead of want
		fate   verdict
	}{
		{"running", nil, goesOn},
		{"exited", nil, startsAgain},
		{"created", nil, replaced},
		{"dead", nil, replaced},
		{"exited", map[string]string{labelSpec: "other"}, replaced},
		{"exited", map[string]string{labelDigest: "other"}, replaced},
		{"running", map[string]string{labelNetwork: "other"}, foreign},
		{"exited", map[string]string{labelDeployment: "other"}, foreign},
		{"created", map[string]string{labelDeployment: ""}, foreign},
	} {
		labels := maps.Clone(want)
		maps.Copy(labels, c.has)
		found := container.InspectResponse{
			ContainerJSONBase: &container.ContainerJSONBase{State: &container.State{Status: c.status, Running: c.status == "running"}},
			Config:            &container.Config{Labels: labels},
		}
		if got := fate(found, want); got != c.fate {
			t.Errorf("%s with %v: %d, want %d", c.status, c.has, got, c.fate)
		}
	}
}
