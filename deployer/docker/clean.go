package docker

import (
	"context"
	"slices"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
)

// Clean implements deployer.Runtime. With the images go the hosts files that no container has any more.
func (e *Engine) Clean(ctx context.Context, service string, keep []string) error {
	err := e.forget(ctx, func(tags []string, s, id string) bool {
		return s == service && !slices.Contains(keep, id) && e.ours(tags, s, id)
	})
	if err != nil {
		return err
	}
	return e.cleanHosts(ctx)
}

// Retained implements deployer.Runtime, in the order of deployments.
func (e *Engine) Retained(ctx context.Context, service string) (ids []string, err error) {
	images, err := e.images(ctx)
	for _, i := range images {
		for _, tag := range i.RepoTags {
			if s, id, ok := parseRetained(tag); ok && s == service && e.ours(i.RepoTags, s, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids, err
}

// forget removes the retaining tags that goes picks, and with them the images that nothing else uses.
func (e *Engine) forget(ctx context.Context, goes func(tags []string, service, id string) bool) error {
	images, err := e.images(ctx)
	if err != nil {
		return err
	}
	used, err := e.imagesInUse(ctx)
	if err != nil {
		return err
	}
	for _, ref := range forgotten(images, used, e.network, goes) {
		if err := e.untag(ctx, ref); err != nil {
			return err
		}
	}
	return nil
}

// forgotten lists the references to remove. An image that was pulled by digest keeps that reference, and its place on the
// disk, when its tags go; so the digests go first, and what makes the image ours last.
func forgotten(images []image.Summary, used map[string]bool, network string, goes func([]string, string, string) bool) []string {
	var refs []string
	for _, i := range images {
		tags := retiring(i.RepoTags, network, goes)
		last := len(tags) == len(i.RepoTags)
		switch {
		case len(tags) == 0, last && used[i.ID]: // what a container uses keeps its tags: a later Clean finds it by them
		case last:
			refs = append(append(refs, i.RepoDigests...), tags...)
		default:
			refs = append(refs, tags...)
		}
	}
	return refs
}

// retiring picks the tags of one image that go, marks last: a mark alone still says whose the image is.
func retiring(tags []string, network string, goes func([]string, string, string) bool) []string {
	var gone, marks []string
	for _, tag := range tags {
		if service, id, ok := parseRetained(tag); ok && goes(tags, service, id) {
			gone = append(gone, tag)
		}
		if service, id, ok := parseMark(tag, network); ok && goes(tags, service, id) {
			marks = append(marks, tag)
		}
	}
	return append(gone, marks...)
}

// untag removes one reference, and the image with its last one. What became used, or went, meanwhile is left.
func (e *Engine) untag(ctx context.Context, ref string) error {
	err := e.ask(ctx, "remove image "+ref, func(ctx context.Context) error {
		_, err := e.api.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
		return err
	})
	return unless(func(err error) bool { return cerrdefs.IsNotFound(err) || cerrdefs.IsConflict(err) }, err)
}

func (e *Engine) images(ctx context.Context) (found []image.Summary, err error) {
	err = e.ask(ctx, "list images", func(ctx context.Context) error {
		found, err = e.api.ImageList(ctx, image.ListOptions{})
		return err
	})
	return found, err
}

// imagesInUse are the images of all containers, not only ours.
func (e *Engine) imagesInUse(ctx context.Context) (map[string]bool, error) {
	used := map[string]bool{}
	err := e.ask(ctx, "list containers", func(ctx context.Context) error {
		all, err := e.api.ContainerList(ctx, container.ListOptions{All: true})
		for _, c := range all {
			used[c.ImageID] = true
		}
		return err
	})
	return used, err
}
