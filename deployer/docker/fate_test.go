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
		whole  bool
		fate   verdict
	}{
		{"running", nil, false, goesOn},
		{"exited", nil, false, startsAgain},
		{"created", nil, false, replaced},
		{"created", nil, true, startsAgain},
		{"created", map[string]string{labelSpec: "other"}, true, replaced},
		{"dead", nil, false, replaced},
		{"exited", map[string]string{labelSpec: "other"}, false, replaced},
		{"exited", map[string]string{labelDigest: "other"}, false, replaced},
		{"running", map[string]string{labelNetwork: "other"}, false, foreign},
		{"exited", map[string]string{labelDeployment: "other"}, false, foreign},
		{"created", map[string]string{labelDeployment: ""}, false, foreign},
	} {
		labels := maps.Clone(want)
		maps.Copy(labels, c.has)
		found := container.InspectResponse{
			ContainerJSONBase: &container.ContainerJSONBase{State: &container.State{Status: c.status, Running: c.status == "running"}},
			Config:            &container.Config{Labels: labels},
		}
		if got := fate(found, want, c.whole); got != c.fate {
			t.Errorf("%s with %v: %d, want %d", c.status, c.has, got, c.fate)
		}
	}
}
