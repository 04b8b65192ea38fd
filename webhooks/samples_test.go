package webhooks

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// GitHub's published examples are not part of this project, so they are tested against where they lie beside it.
func TestPublishedSamples(t *testing.T) {
	const folder = "../../shared/payloads"
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("GitHub's sample payloads are not in %s; our own in testdata/webhooks cover the same cases", folder)
	}
	tests := []struct {
		file, event, repository, ignored string
	}{
		{"ping-payload.json", "ping", "octocoders/hello-world", ""},
		{"push-payload.json", "push", "codertocat/hello-world", `push to "refs/tags/simple-tag", which is no branch`},
		{
			"package-published.docker.json", "package", "codertocat/hello-world-npm",
			"manifest of ghcr.io/codertocat/hello-world/hello-world-npm has no tag",
		},
		{
			"workflow_run-completed.json", "workflow_run", "octo-org/octo-repo",
			`event "workflow_run" deploys nothing; only push and package do`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(folder, tt.file))
			if err != nil {
				t.Fatal(err)
			}
			g := New(Secrets{Repositories: map[string][]string{tt.repository: {secret}}})
			got, err := g.Parse(deliver(secret, tt.event, body))
			if err != nil || got.Repository != tt.repository || got.Ignored != tt.ignored {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
