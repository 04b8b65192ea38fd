package docker

import (
	"slices"
	"testing"

	"github.com/docker/docker/api/types/image"
)

func TestForgotten(t *testing.T) {
	const digest = "ghcr.io/o/web@sha256:aa"
	for name, c := range map[string]struct {
		network string
		tags    []string
		used    bool
		want    []string
	}{
		"unused":                 {DefaultNetwork, []string{"fisherman/web:1"}, false, []string{digest, "fisherman/web:1"}},
		"used by a container":    {DefaultNetwork, []string{"fisherman/web:1"}, true, nil},
		"also tagged by others":  {DefaultNetwork, []string{"fisherman/web:1", "x:y"}, true, []string{"fisherman/web:1"}},
		"another is kept":        {DefaultNetwork, []string{"fisherman/web:1", "fisherman/web:keep"}, false, []string{"fisherman/web:1"}},
		"another service's too":  {DefaultNetwork, []string{"fisherman/web:1", "fisherman/api:1"}, false, []string{"fisherman/web:1"}},
		"another service's only": {DefaultNetwork, []string{"fisherman/webs:1"}, false, nil},
		"no tag of ours":         {DefaultNetwork, []string{"ghcr.io/o/web:latest"}, false, nil},
		"another network's":      {DefaultNetwork, []string{"fisherman/web:1", "fisherman-network/web:1.b"}, false, nil},
		"marked as ours": {
			"b",
			[]string{"fisherman-network/web:1.b", "fisherman/web:1"},
			false,
			[]string{digest, "fisherman/web:1", "fisherman-network/web:1.b"},
		},
		"a mark left over": {"b", []string{"fisherman-network/web:1.b"}, false, []string{digest, "fisherman-network/web:1.b"}},
		"the default's":    {"b", []string{"fisherman/web:1"}, false, nil},
		"a third one's":    {"b", []string{"fisherman/web:1", "fisherman-network/web:1.bb"}, false, nil},
		"shared with another's": {
			"b",
			[]string{"fisherman/web:1", "fisherman-network/web:1.b", "fisherman/web:2", "fisherman-network/web:2.c"},
			false,
			[]string{"fisherman/web:1", "fisherman-network/web:1.b"},
		},
	} {
		e := &Engine{network: c.network}
		images := []image.Summary{{ID: "i", RepoTags: c.tags, RepoDigests: []string{digest}}}
		got := forgotten(images, map[string]bool{"i": c.used}, c.network, func(tags []string, service, id string) bool {
			return service == "web" && id != "keep" && e.ours(tags, service, id)
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: forgets %q, want %q", name, got, c.want)
		}
	}
}
