package deployer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pull resolves the digest, journals it, and makes the image available.
func (l *lane) pull(ctx context.Context, j *job) error {
	if err := l.move(ctx, j, Pulling, ""); err != nil {
		return err
	}
	if l.now(j).Digest == "" {
		if err := l.resolve(ctx, j); err != nil {
			return err
		}
	}
	return l.retry(ctx, pullDeadline, "pull "+l.release(j).Service.Image, j, func(ctx context.Context) error { return l.pullOnce(ctx, j) })
}

// resolve freezes the digest of the tag that was asked for, and decides as for any candidate with a digest.
func (l *lane) resolve(ctx context.Context, j *job) error {
	digest, asked := "", l.now(j)
	err := l.retry(ctx, pullDeadline, "look up "+asked.Image+":"+asked.Reference, j, func(ctx context.Context) (err error) {
		digest, err = l.d.Registry.Resolve(ctx, asked.Image, asked.Reference)
		return err
	})
	if err != nil {
		return err
	}
	err = l.update(ctx, j, func(d Deployment) Deployment {
		d.Digest = digest
		return d.noted(time.Now(), "%s:%s is %s", d.Image, d.Reference, digest)
	})
	if err != nil {
		return err
	}
	return l.recheck(ctx, j, func(d Deployment) Deployment { return d })
}

// pullOnce takes one of the places for pulls, and frees it between two tries.
func (l *lane) pullOnce(ctx context.Context, j *job) error {
	select {
	case l.d.pulls <- struct{}{}:
		defer func() { <-l.d.pulls }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := l.beginClean(ctx); err != nil { // one that does not know of this deployment would let go of its image
		return err
	}
	l.endClean()
	var image Image
	err := l.inRoom(ctx, j, func() (err error) {
		if err = l.d.Runtime.Preflight(ctx, l.release(j)); err == nil {
			image, err = l.d.Runtime.Pull(ctx, l.release(j), l.reporter(j))
		}
		return err
	})
	if err != nil || image.Revision == "" || image.Revision == l.now(j).Commit {
		return err
	}
	return l.update(ctx, j, func(d Deployment) Deployment {
		d = d.noted(time.Now(), "the image says that it was built from commit %s", image.Revision)
		d.Commit = image.Revision
		return d
	})
}

// inRoom does what needs disk space. Where there is too little, the disk is cleaned, more thoroughly than after a success, and
// it is done once more.
func (l *lane) inRoom(ctx context.Context, j *job, do func() error) error {
	err := do()
	if !errors.Is(err, ErrNoSpace) {
		return err
	}
	l.note(j, "%v; removing old releases", err)
	if err := l.d.cleanThoroughly(ctx); err != nil {
		l.note(j, "not all old releases could be removed: %v", err)
	}
	return do()
}

// retry tries until it works, the error is final, or the deadline passes; only ErrUnavailable is worth another try.
func (l *lane) retry(ctx context.Context, deadline time.Duration, what string, j *job, try func(context.Context) error) error {
	limited, stop := context.WithTimeoutCause(ctx, deadline, fmt.Errorf("%s: not done within %s", what, deadline))
	defer stop()
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, 30*time.Second) {
		err := try(limited)
		switch {
		case err == nil:
			return nil
		case limited.Err() != nil && ctx.Err() == nil:
			return fmt.Errorf("%w; the last try: %w", context.Cause(limited), err)
		case !errors.Is(err, ErrUnavailable):
			return err
		}
		var asked *RetryError
		if errors.As(err, &asked) {
			pause = max(pause, asked.After)
		}
		l.note(j, "%v; trying again in %s", err, pause)
		l.about(j.id).Warn().Err(err).Stringer("again_in", pause).Msg("trying again")
		if cause := sleep(limited, pause); cause != nil {
			return fmt.Errorf("%w; the last try: %w", cause, err)
		}
	}
}
