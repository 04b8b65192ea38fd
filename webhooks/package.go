package webhooks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// packageEvent is a delivery's inner object under either of its two keys.
type packageEvent struct {
	Action          string         `json:"action"`
	Package         *githubPackage `json:"package"`
	RegistryPackage *githubPackage `json:"registry_package"`
}

type githubPackage struct {
	Namespace string          `json:"namespace"`
	Name      string          `json:"name"`
	Type      string          `json:"package_type"`
	Ecosystem string          `json:"ecosystem"`
	Version   json.RawMessage `json:"package_version"` // read only once it is known to be a container's
}

// parsePackage reads a package or registry_package event.
//
// https://docs.github.com/webhooks/webhook-events-and-payloads#package
func parsePackage(payload []byte) (pkg *Package, ignored string, err error) {
	var event packageEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, "", malformed(err)
	}
	inner := event.Package
	if inner == nil {
		inner = event.RegistryPackage
	}
	if why := whyNotContainer(event.Action, inner); why != "" {
		return nil, why, nil
	}
	var version packageVersion
	if len(inner.Version) > 0 {
		if err := json.Unmarshal(inner.Version, &version); err != nil {
			return nil, "", malformed(err)
		}
	}
	pkg = &Package{
		Image:  image(inner, version.URL),
		Tag:    version.Container.Tag.Name,
		Digest: version.digest(),
		Commit: version.commit(),
		Branch: version.TargetCommitish,
	}
	return pkg, whyNotPackage(pkg), nil
}

// whyNotContainer says why an event is not the news of a container image, or nothing when it may be. Published and updated mean
// the same to us: a tag that moves is reported as either.
func whyNotContainer(action string, inner *githubPackage) string {
	switch {
	case action != "published" && action != "updated":
		return fmt.Sprintf("package action %q deploys nothing; only published and updated do", action)
	case inner == nil:
		return "the event names no package"
	case !isContainer(inner.Type, inner.Ecosystem):
		return fmt.Sprintf("package %s is not a container image but of type %q", inner.Name, inner.Type)
	}
	return ""
}

// isContainer takes either member's word: GitHub's own example says npm in one and docker in the other. Where both are silent,
// the digest decides.
func isContainer(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return strings.EqualFold(name, "container") || strings.EqualFold(name, "docker")
	}) || strings.Join(names, "") == ""
}

// whyNotPackage says why a container image leads to nothing, or nothing when it may lead to something.
func whyNotPackage(pkg *Package) string {
	switch {
	case pkg.Image == "":
		return "the package event names no image"
	case pkg.Tag == "":
		return fmt.Sprintf("manifest of %s has no tag", pkg.Image)
	case pkg.Digest == "":
		return fmt.Sprintf("package event for %s:%s names no sha256 digest", pkg.Image, pkg.Tag)
	}
	return ""
}
