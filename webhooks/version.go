package webhooks

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// digestForm is what the OCI image specification allows for SHA-256: lower case only.
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	// oidForm is stricter than commitForm: target_oid may also be a digest's 64 hex digits.
	oidForm = regexp.MustCompile(`^[0-9a-f]{40}$`)
	// urlForm splits a package_url (registry/path:tag) into the registry and the path. A registry has a dot or is localhost.
	urlForm = regexp.MustCompile(`^((?:[a-z0-9-]+(?:\.[a-z0-9-]+)+|localhost)(?::[0-9]+)?)/([^:@]+)`)
)

// packageVersion is the inner object's package_version, as far as it describes a container image.
type packageVersion struct {
	Version         string `json:"version"`
	Name            string `json:"name"`
	TargetOID       string `json:"target_oid"`
	TargetCommitish string `json:"target_commitish"`
	URL             string `json:"package_url"`
	Container       struct {
		Tag struct {
			Name   string `json:"name"`
			Digest string `json:"digest"`
		} `json:"tag"`
		Manifest struct {
			Digest string `json:"digest"`
		} `json:"manifest"`
		Labels struct {
			All struct {
				Revision string `json:"org.opencontainers.image.revision"`
			} `json:"all_labels"`
		} `json:"labels"`
	} `json:"container_metadata"`
}

// digest is the first that is one: GitHub's own example has a commit in place of two of them.
func (v *packageVersion) digest() string {
	candidates := []string{v.Version, v.Name, v.Container.Tag.Digest, v.Container.Manifest.Digest}
	if i := slices.IndexFunc(candidates, digestForm.MatchString); i >= 0 {
		return candidates[i]
	}
	return ""
}

// commit prefers what the build wrote into the image over what GitHub derived.
func (v *packageVersion) commit() string {
	for _, name := range []string{v.Container.Labels.All.Revision, v.TargetOID} {
		if name = strings.ToLower(name); oidForm.MatchString(name) {
			return name
		}
	}
	return ""
}

// image is REGISTRY/NAMESPACE/NAME. The registry is ghcr.io unless the package's URL names another, as on GitHub Enterprise; the
// URL's path serves where namespace or name is missing.
func image(inner *githubPackage, url string) string {
	registry, path := "ghcr.io", ""
	if parts := urlForm.FindStringSubmatch(strings.ToLower(url)); parts != nil {
		registry, path = parts[1], parts[2]
	}
	if inner.Namespace != "" && inner.Name != "" {
		path = strings.ToLower(inner.Namespace + "/" + inner.Name)
	}
	if path == "" {
		return ""
	}
	return registry + "/" + path
}
