package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"

	"fisherman/deployer"
)

// silence is how long a pull may say nothing before it counts as stuck. Docker itself retries a layer for over a minute.
const silence = 3 * time.Minute

// Pull implements deployer.Runtime. It uses no network when the image is here: under its digest, its digest at the
// mirror, or, for a rollback, the tag that retained it.
func (e *Engine) Pull(ctx context.Context, r deployer.Release, progress func(string)) (deployer.Image, error) {
	sources, err := e.sources(r)
	if err != nil {
		return deployer.Image{}, err
	}
	ref, err := e.present(ctx, r, sources)
	if err == nil && ref != "" {
		progress("image is already here")
	} else if err == nil {
		ref, err = e.fetch(ctx, sources, progress)
	}
	if err != nil {
		return deployer.Image{}, err
	}
	return e.adopt(context.WithoutCancel(ctx), ref, r) // what is here is tagged, so that it is found when it is to go
}

// adopt retains the image that was found or fetched.
func (e *Engine) adopt(ctx context.Context, ref string, r deployer.Release) (deployer.Image, error) {
	found, err := e.inspectImage(ctx, ref)
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
func (e *Engine) fetch(ctx context.Context, sources []source, progress func(string)) (ref string, err error) {
	for i, s := range sources {
		err = e.pull(ctx, s, progress)
		if err == nil {
			return s.ref, nil
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("pull %s: %w", s.ref, ctx.Err())
		}
		if i+1 < len(sources) {
			e.log.Warn().Err(err).Str("mirror", s.registry).Msg("mirror failed, pulling from the origin")
			progress(fmt.Sprintf("the mirror %s failed (%v); pulling from %s", s.registry, err, sources[i+1].registry))
		}
	}
	return "", err
}

func (e *Engine) pull(ctx context.Context, s source, progress func(string)) error {
	auth, err := e.credentials(s.registry)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alarm := time.AfterFunc(silence, func() { cancel(errors.New("no progress for " + silence.String())) })
	defer alarm.Stop()

	stream, err := e.api.ImagePull(ctx, s.ref, image.PullOptions{RegistryAuth: auth})
	if err == nil {
		err = follow(stream, newTally(progress, time.Now), func() { alarm.Reset(silence) })
		err = errors.Join(err, stream.Close())
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return e.refusal(s, err)
}

// follow drains a pull's stream; any of its lines may be the error.
func follow(stream io.Reader, t *tally, alive func()) error {
	if err := eachLine(stream, func(l line) error {
		alive()
		return t.add(l)
	}); err != nil {
		return err
	}
	t.done()
	return nil
}
