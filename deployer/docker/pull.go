package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"

	"fisherman/deployer"
)

// Pull implements deployer.Runtime. It uses no network when the image is here: under its digest, its digest at the
// mirror, or, for a rollback, the tag that retained it.
func (e *Engine) Pull(ctx context.Context, r deployer.Release, progress func(deployer.Report)) (deployer.Image, error) {
	sources, err := e.sources(r)
	if err != nil {
		return deployer.Image{}, err
	}
	ref, err := e.present(ctx, r, sources)
	if err != nil {
		return deployer.Image{}, err
	}
	if ref != "" {
		progress(deployer.Report{Text: "image is already here"})
		return e.adopt(ctx, ref, r)
	}
	if ref, err = e.fetch(ctx, r, sources, progress); err != nil {
		return deployer.Image{}, err
	}
	adopted, err := e.adopt(ctx, ref, r)
	if errors.As(err, new(*foreignError)) {
		return adopted, errors.Join(err, e.untag(ctx, ref))
	}
	return adopted, err
}

// adopt retains the image that was found or fetched. It is not interrupted by ctx: what is here is tagged, so that it is
// found when it is to go.
func (e *Engine) adopt(ctx context.Context, ref string, r deployer.Release) (deployer.Image, error) {
	ctx = context.WithoutCancel(ctx)
	found, err := e.inspectImage(ctx, ref)
	if err == nil {
		err = e.checkPlatform(ctx, ref, platformOf(found))
	}
	if err == nil {
		err = e.retain(ctx, ref, r)
	}
	if cerrdefs.IsNotFound(err) {
		return deployer.Image{}, unavailable(err, "image %s was removed while it was pulled", ref)
	}
	return deployer.Image{Revision: revision(found)}, err
}

// present names the image as the engine has it already, or "".
func (e *Engine) present(ctx context.Context, r deployer.Release, sources []source) (string, error) {
	refs := make([]string, 0, len(sources)+1)
	for _, s := range sources {
		refs = append(refs, s.ref)
	}
	if r.From != "" {
		refs = append(refs, retained(r.Service.Name, r.From))
	}
	for _, ref := range refs {
		_, err := e.inspectImage(ctx, ref)
		if err == nil {
			return ref, nil
		}
		if !cerrdefs.IsNotFound(err) {
			return "", err
		}
	}
	return "", nil
}

// fetch pulls from the first source that has it. By digest the engine takes nothing but what was asked for.
func (e *Engine) fetch(ctx context.Context, r deployer.Release, sources []source, progress func(deployer.Report)) (ref string, err error) {
	for i, s := range sources {
		err = e.pull(ctx, s, progress)
		if err == nil {
			return s.ref, nil
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("pull %s: %w", s.ref, ctx.Err())
		}
		if errors.As(err, new(*foreignError)) {
			return "", err
		}
		if i+1 < len(sources) {
			e.log.Warn().Err(err).Str("service", r.Service.Name).Str("deployment", r.ID).Str("mirror", s.registry).Msg("mirror failed, pulling from the origin")
			progress(deployer.Report{Text: fmt.Sprintf("the mirror %s failed (%v); pulling from %s", s.registry, err, sources[i+1].registry)})
		}
	}
	return "", err
}

func (e *Engine) pull(ctx context.Context, s source, progress func(deployer.Report)) error {
	auth, err := e.credentials(s.registry)
	if err != nil {
		return err
	}
	pulling, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	life := newLifeline(ctx, cut)
	defer life.letGo()
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cut(nil)
	asking.Go(func() { // beside the download, which waits for no answer
		if err := e.announcedPlatform(pulling, s); err != nil {
			life.forsake(err)
		}
	})

	stream, err := e.api.ImagePull(pulling, s.ref, image.PullOptions{RegistryAuth: auth})
	if err == nil {
		err = follow(stream, newTally(progress, time.Now), life.heard)
		err = errors.Join(err, stream.Close())
	}
	if err != nil && pulling.Err() != nil {
		err = context.Cause(pulling)
	}
	return e.refusal(s, err)
}

// follow drains a pull's stream; any of its lines may be the error.
func follow(stream io.Reader, t *tally, heard func(line)) error {
	if err := eachLine(stream, func(l line) error {
		heard(l)
		return t.add(l)
	}); err != nil {
		return err
	}
	t.done()
	return nil
}
