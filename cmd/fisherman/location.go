package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"fisherman/server/config"
	"fisherman/server/config/source"
)

// locationUsage is what --config means.
const locationUsage = "where the configuration is: a path or s3://bucket/key"

// startPatience is how long a start waits for a configuration that it has a copy of.
const startPatience = 10 * time.Second

// located is a configuration, its text, and where both come from.
type located struct {
	*config.Config
	raw    []byte
	source *source.Source
}

// openSource is the source that --config names.
func openSource(cmd *cobra.Command, location string, log zerolog.Logger) (*source.Source, error) {
	if err := required(cmd, "config", location); err != nil {
		return nil, err
	}
	s, err := source.Open(location, source.Options{Log: log.With().Str("part", "source").Logger()})
	if err != nil {
		return nil, usageError{err}
	}
	return s, nil
}

// readConfig reads a configuration; its problems are an error of one line each.
func readConfig(ctx context.Context, s *source.Source) (located, error) {
	raw, err := s.Read(ctx)
	if err != nil {
		return located{}, err
	}
	return parsed(s, raw)
}

func parsed(s *source.Source, raw []byte) (located, error) {
	c, err := config.Parse(raw, os.LookupEnv)
	if err != nil {
		return located{}, fmt.Errorf("%s cannot be used:\n%w", s.Location(), err)
	}
	return located{c, raw, s}, nil
}

// startConfig is what a server starts with: the configuration, or where that cannot be had the last one that was good. The
// copy is looked for in the state directory that the command line names, since where another one would be only the
// configuration could say.
func startConfig(ctx context.Context, s *source.Source, state string, log zerolog.Logger) (located, error) {
	dir := state
	if dir == "" {
		dir = defaultState
	}
	last, lost := recall(dir, s.Location())
	bounded := ctx
	if lost == nil {
		var stop context.CancelFunc
		bounded, stop = context.WithTimeout(ctx, startPatience)
		defer stop()
	}
	c, err := readConfig(bounded, s)
	if err == nil || ctx.Err() != nil {
		return c, err
	}
	if lost == nil {
		if c, lost = parsed(s, last.raw); lost == nil {
			log.Error().Err(err).Str("from", s.Location()).Str("kept", last.kept).Str("version", last.sum()).
				Msg("starting with the last good configuration, because the present one cannot be used")
			return c, nil
		}
	}
	if errors.Is(lost, fs.ErrNotExist) {
		if errors.As(err, new(config.Problems)) {
			return located{}, err
		}
		return located{}, fmt.Errorf("%w\nand %s holds no copy of an earlier one; if `state` is another directory, name it with --state, too", err, dir)
	}
	return located{}, fmt.Errorf("%w\nand the copy of the last good one cannot be used either: %w", err, lost)
}
