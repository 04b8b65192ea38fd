package docker

import (
	"context"
	"regexp"
	"strings"

	"github.com/docker/docker/api/types/image"

	"fisherman/deployer"
)

// Repositories of tags that are ours. An image is retained by "fisherman/SERVICE:DEPLOYMENT". Tags carry no labels, so a
// fisherman whose network is not the default one says so by a second tag, "fisherman-network/SERVICE:DEPLOYMENT.NETWORK":
// two of them on one engine leave each other's images alone.
const (
	retainedPrefix = "fisherman/"
	markPrefix     = "fisherman-network/"
)

func retained(service, id string) string { return retainedPrefix + service + ":" + id }

func mark(service, id, network string) string { return markPrefix + service + ":" + id + "." + network }

// parseRetained takes a retaining tag apart.
func parseRetained(tag string) (service, id string, ok bool) {
	rest, ok := strings.CutPrefix(tag, retainedPrefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, ":")
}

// parseMark takes a network's mark apart.
func parseMark(tag, network string) (service, id string, ok bool) {
	rest, ok := strings.CutPrefix(tag, markPrefix)
	if !ok {
		return "", "", false
	}
	service, rest, _ = strings.Cut(rest, ":")
	id, ok = strings.CutSuffix(rest, "."+network)
	return service, id, ok
}

// ours reports whether this network's fisherman made a retaining tag; tags are all the image has.
func (e *Engine) ours(tags []string, service, id string) bool {
	marked := false
	for _, tag := range tags {
		if tag == mark(service, id, e.network) {
			return true
		}
		marked = marked || strings.HasPrefix(tag, mark(service, id, ""))
	}
	return e.network == DefaultNetwork && !marked
}

// retain tags an image so that a prune does not take it.
func (e *Engine) retain(ctx context.Context, ref string, r deployer.Release) error {
	tags := []string{retained(r.Service.Name, r.ID)}
	if e.network != DefaultNetwork {
		tags = append(tags, mark(r.Service.Name, r.ID, e.network))
	}
	for _, tag := range tags {
		err := e.ask(ctx, "tag image "+tag, func(ctx context.Context) error { return e.api.ImageTag(ctx, ref, tag) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) inspectImage(ctx context.Context, ref string) (found image.InspectResponse, err error) {
	err = e.ask(ctx, "inspect image "+ref, func(ctx context.Context) error {
		found, err = e.api.ImageInspect(ctx, ref)
		return err
	})
	return found, err
}

// revisionLabel is where images say the commit they were built from (OCI image-spec, pre-defined annotation keys).
const revisionLabel = "org.opencontainers.image.revision"

var commitHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

func revision(found image.InspectResponse) string {
	if found.Config == nil || !commitHash.MatchString(found.Config.Labels[revisionLabel]) {
		return ""
	}
	return found.Config.Labels[revisionLabel]
}
