package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// imagePath is the grammar of the OCI distribution specification 1.1, "Pulling manifests".
var imagePath = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

// imageForm is what an image without tag and digest looks like.
const imageForm = `^([^/@\s]+/)?[a-z0-9._-]+(/[a-z0-9._-]+)*$`

// image is a reference without tag or digest. One without a registry's host is Docker Hub's and gets its full name, as
// in `docker pull`, so that no one else has to know that rule: nginx is docker.io/library/nginx.
func image(into *string) kind {
	return scalar[string]{into: into, word: "image without tag", form: bare(imageForm), parse: parseImage}
}

func parseImage(s string) (string, error) {
	if _, rest, url := strings.Cut(s, "://"); url {
		return "", fmt.Errorf("is a URL; write `image: %s`", rest)
	}
	if name, _, digest := strings.Cut(s, "@"); digest {
		return "", fmt.Errorf("holds a digest, but a service follows a tag; write `image: %s`", name)
	}
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
		if s[i+1:] == "" {
			return "", fmt.Errorf("no tag after the colon; write it as `image: %s` and `tag: …`", s[:i])
		}
		return "", fmt.Errorf("holds a tag; write it as `image: %s` and `tag: %s`", s[:i], s[i+1:])
	}
	if lower := strings.ToLower(s); lower != s {
		return "", fmt.Errorf("holds capitals, and images have none; write `image: %s`", lower)
	}
	registry, path := splitImage(s)
	if _, err := parseRegistry(registry); err != nil {
		return "", fmt.Errorf("begins with `%s`, which is not a registry's host", registry)
	}
	if full := registry + "/" + path; imagePath.MatchString(path) && len(full) <= 255 {
		return full, nil
	}
	return "", errors.New("is not an image's name; write it like `ghcr.io/owner/name`")
}

// splitImage tells a registry's host from the first part of a path the way Docker does: it has a dot or a port, or is
// localhost.
func splitImage(s string) (registry, path string) {
	const hub = "docker.io"
	first, rest, slash := strings.Cut(s, "/")
	switch {
	case !slash:
		return hub, "library/" + s
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		return hub, s
	case first == "index.docker.io":
		first = hub
	}
	if first == hub && !strings.Contains(rest, "/") {
		rest = "library/" + rest
	}
	return first, rest
}
