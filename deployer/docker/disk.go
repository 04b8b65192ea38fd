package docker

import (
	"context"
	"fmt"
	"strings"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"

	"fisherman/deployer"
)

// DefaultSpareDisk is what stays free, in bytes, where Docker keeps images: 256 MiB for logs, and for what layers take
// while they are unpacked.
const DefaultSpareDisk = 256 << 20

// checkDisk sees that there is room for the image where Docker keeps them. How large it is no registry says in advance, so
// the newest one that is retained stands for it. An image that is here needs no room.
func (e *Engine) checkDisk(ctx context.Context, r deployer.Release) error {
	if here, err := e.isHere(ctx, r); here || err != nil {
		return ctx.Err()
	}
	root, err := e.imageRoot(ctx)
	if err != nil {
		e.unanswered("where Docker keeps images", err)
		return ctx.Err()
	}
	free, seen := freeDisk(root)
	if !seen { // fisherman runs in a container, or Docker on another machine
		e.log.Debug().Str("path", root).Msg("preflight: the disk of Docker's images cannot be seen from here")
		return nil
	}
	need := e.newestSize(ctx, r.Service.Name) + e.spare
	if free >= need {
		return nil
	}
	return fmt.Errorf("%w: %s has %s free and the image of %s needs about %s; free some (docker system df shows what takes it), or lower retain",
		deployer.ErrNoSpace, root, size(free), r.Service.Name, size(need))
}

func (e *Engine) isHere(ctx context.Context, r deployer.Release) (bool, error) {
	sources, err := e.sources(r)
	if err != nil {
		return false, err
	}
	ref, err := e.present(ctx, r, sources)
	return ref != "", err
}

// imageRoot is the engine's data directory. It is asked once, for the answer costs the engine ten milliseconds; Docker moves
// it only with a restart that loses every container.
func (e *Engine) imageRoot(ctx context.Context) (string, error) {
	if known := e.root.Load(); known != nil {
		return *known, nil
	}
	info, err := e.info(ctx)
	return info.DockerRootDir, err
}

// newestSize is the size in bytes of the image of the service's newest deployment, 0 when it has none.
func (e *Engine) newestSize(ctx context.Context, service string) (bytes int64) {
	var found []image.Summary
	err := e.ask(ctx, "list images of "+service, func(ctx context.Context) (err error) {
		found, err = e.api.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("reference", retainedPrefix+service))})
		return err
	})
	if err != nil {
		e.unanswered("how large images of "+service+" are", err)
	}
	newest := ""
	for _, i := range found {
		for _, tag := range i.RepoTags {
			if id, ours := strings.CutPrefix(tag, retained(service, "")); ours && id > newest {
				newest, bytes = id, i.Size
			}
		}
	}
	return bytes
}
