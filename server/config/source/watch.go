package source

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// firstRetry is the pause after S3 could not be asked; it doubles up to the usual one.
const firstRetry = 2 * time.Second

// Run watches the configuration and what was read beside it (see Beside), and calls changed with the configuration when one of
// them differs from what is known outside. It blocks until ctx ends. Calls come one at a time. What cannot be read changes
// nothing: it is told once, and again when that is over.
func (s *Source) Run(ctx context.Context, changed func(ctx context.Context, raw []byte)) {
	var loops sync.WaitGroup
	loops.Go(func() { s.watchFiles(ctx, changed) })
	loops.Go(func() { s.pollObjects(ctx, changed) })
	loops.Wait()
}

// watchFiles looks at files as they are every so often rather than waiting for the kernel to tell: that is right through
// renames, links that are swapped somewhere on the way, file systems of other machines and mounts into containers.
func (s *Source) watchFiles(ctx context.Context, changed func(context.Context, []byte)) {
	seen := map[place]*settling{}
	troubled := s.troubled()
	for sleep(ctx, s.Look) {
		known := s.known()
		var fresh []fetched
		for p, v := range known {
			if p.file == "" {
				continue
			}
			if seen[p] == nil {
				seen[p] = &settling{}
			}
			if !seen[p].see(look(p.file), time.Now(), s.Settle) {
				continue
			}
			raw, now, err := s.get(ctx, p, "")
			if look(p.file) != seen[p].seen {
				continue // it was written to meanwhile, and begins to settle again
			}
			s.tell(ctx, troubled, p, err)
			if err == nil && now.sum != v.sum {
				fresh = append(fresh, fetched{p, now, raw})
			}
		}
		forget(seen, known)
		forget(troubled, known)
		s.pass(ctx, fresh, changed)
	}
}

// pollObjects asks S3 for what has another version.
func (s *Source) pollObjects(ctx context.Context, changed func(context.Context, []byte)) {
	troubled := s.troubled()
	retry := time.Duration(0)
	if len(troubled) > 0 {
		retry = min(firstRetry, s.Poll)
	}
	for sleep(ctx, pause(s.Poll, retry)) {
		known := s.known()
		var fresh []fetched
		failed := false
		for p, v := range known {
			if p.file != "" {
				continue
			}
			raw, now, err := s.get(ctx, p, v.etag)
			if errors.Is(err, errSame) {
				err, now = nil, v
			}
			failed = failed || err != nil
			s.tell(ctx, troubled, p, err)
			if err == nil && now.sum != v.sum {
				fresh = append(fresh, fetched{p, now, raw})
			}
		}
		retry = next(retry, s.Poll, failed)
		forget(troubled, known)
		s.pass(ctx, fresh, changed)
	}
}

// troubled is what has been told already: whoever could not read the configuration has said so.
func (s *Source) troubled() map[place]error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unread == nil {
		return map[place]error{}
	}
	return map[place]error{s.main: s.unread}
}

// next is the pause before another try: none of its own while all is well.
func next(retry, poll time.Duration, failed bool) time.Duration {
	if !failed {
		return 0
	}
	return min(max(2*retry, firstRetry), poll)
}

// pause is the time until S3 is asked again. It differs by a tenth, so that many servers do not ask at once.
func pause(poll, retry time.Duration) time.Duration {
	if retry > 0 {
		poll = retry
	}
	tenth := max(poll/10, 1)
	return poll - tenth + rand.N(2*tenth)
}

// fetched is a text that differs from what is known outside.
type fetched struct {
	place
	version
	raw []byte
}

// pass calls changed once for all that is fresh.
func (s *Source) pass(ctx context.Context, fresh []fetched, changed func(context.Context, []byte)) {
	if len(fresh) == 0 || ctx.Err() != nil {
		return
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	for _, f := range fresh {
		s.give(f.place, f.version, f.raw)
	}
	if raw := s.Newest(); raw != nil { // else what lies beside a configuration that nobody has got yet
		changed(ctx, raw)
	}
}

// tell says once what is wrong with a text, and that it is over.
func (s *Source) tell(ctx context.Context, troubled map[place]error, p place, err error) {
	before, was := troubled[p]
	switch {
	case ctx.Err() != nil:
		return
	case err == nil && !was, err != nil && was && kind(before) == kind(err): //nolint:errorlint // kind returns sentinels
		return
	case err == nil:
		delete(troubled, p)
		s.Log.Info().Str("place", p.String()).Msg("can be read again")
	default:
		troubled[p] = err
		s.Log.Error().Err(err).Str("place", p.String()).Msg("cannot be read; all goes on as it was last known")
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	s.Trouble(p.String(), err)
}

// kind is which of the known reasons an error has; others are all one.
func kind(err error) error {
	for _, k := range []error{ErrAbsent, ErrRefused, ErrAway} {
		if errors.Is(err, k) {
			return k
		}
	}
	return nil
}

// forget drops what is not watched any more.
func forget[T any](of map[place]T, known map[place]version) {
	for p := range of {
		if _, still := known[p]; !still {
			delete(of, p)
		}
	}
}

// sleep reports whether the time has passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
