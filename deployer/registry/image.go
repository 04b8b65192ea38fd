package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// revisionLabel is one of the OCI image specification's predefined annotation keys; build tools set it as a label.
const revisionLabel = "org.opencontainers.image.revision"

var commit = regexp.MustCompile(`^[0-9a-f]{40}$`)

// digestOf asks by HEAD, which Docker Hub does not count against its pull limit.
func digestOf(ctx context.Context, p *remote.Puller, tag name.Tag) (string, error) {
	head, err := p.Head(ctx, tag)
	if err == nil {
		return head.Digest.String(), nil
	}
	if !useless(err) {
		return "", err
	}
	got, err := p.Get(ctx, tag)
	if err != nil {
		return "", err
	}
	return got.Digest.String(), nil
}

// useless reports whether a HEAD was answered in a way that says nothing about the tag: without the digest or the
// length (neither is compulsory in the OCI distribution specification), or by not knowing the method.
func useless(err error) bool {
	var status *transport.Error
	if errors.As(err, &status) {
		return status.StatusCode == http.StatusMethodNotAllowed
	}
	var unanswered *url.Error
	return !errors.As(err, &unanswered)
}

// revisionOf reads at most an index, a manifest and a configuration: small documents all of them, see guard.
func revisionOf(ctx context.Context, p *remote.Puller, digest name.Digest) (string, error) {
	found, err := p.Get(ctx, digest)
	if err != nil {
		return "", err
	}
	if found.MediaType.IsIndex() && !offers(found.Manifest, platform()) {
		return "", nil // the pull will say what is wrong with it
	}
	image, err := found.Image()
	if err != nil {
		return "", fmt.Errorf("read manifest: %w", err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return "", fmt.Errorf("read image configuration: %w", err)
	}
	return commit.FindString(config.Config.Labels[revisionLabel]), nil
}

// offers reports whether an index lists the platform. One that cannot be read offers nothing.
func offers(index []byte, want v1.Platform) bool {
	parsed, err := v1.ParseIndexManifest(bytes.NewReader(index))
	if err != nil {
		return false
	}
	for _, m := range parsed.Manifests {
		if m.Platform != nil && m.Platform.OS == want.OS && m.Platform.Architecture == want.Architecture {
			return true
		}
	}
	return false
}

func platform() v1.Platform {
	return v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
}
