package main

import (
	"cmp"
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
func readConfig(ctx context.Context, s *source.Source) (*config.Config, error) {
	raw, err := s.Read(ctx)
	if err != nil {
		return nil, err
	}
	c, err := config.Surroundings{Getenv: os.LookupEnv, ReadFile: s.Beside(ctx)}.Parse(raw)
	return c, cannotBeUsed(s.Location(), err)
}

// cannotBeUsed words the problems of a configuration, one a line.
func cannotBeUsed(location string, err error) error {
	var problems config.Problems
	if errors.As(err, &problems) {
		return fmt.Errorf("%s cannot be used:\n%w", location, problems)
	}
	return err
}

// peek makes a configuration of a text that is only looked at: none of the files that it names are watched, and where values are
// shown it gets those variables of the environment that may be.
type peek func(raw []byte, mayShow func(variable string) bool) (*config.Config, error)

// understand says how a configuration is made of a text. state is the directory that the command line names, if it does.
func (s *settings) understand(ctx context.Context, state string) {
	resolve := func(around config.Surroundings, raw []byte) (*config.Config, error) {
		around.Getenv = os.LookupEnv
		c, err := around.Parse(raw)
		if err == nil && state != "" {
			c.State = state
		}
		return c, err
	}
	from := s.from
	s.parse = func(raw []byte) (*config.Config, error) {
		around := config.Surroundings{}
		if from != nil {
			around.ReadFile = from.Beside(ctx)
		}
		return resolve(around, raw)
	}
	s.peek = func(raw []byte, mayShow func(string) bool) (*config.Config, error) {
		around := config.Surroundings{MayShow: mayShow}
		if from != nil {
			around.ReadFile = from.PeekBeside(ctx)
		}
		return resolve(around, raw)
	}
}

// startConfig gets what a server starts with: the configuration, or where that cannot be had the last one that was good. The
// copy is looked for in the state directory that the command line names, since where another one would be only the
// configuration could say.
func (s *settings) startConfig(ctx context.Context, state string) error {
	last, lost := recall(cmp.Or(state, defaultState), s.from.Location())
	bounded := ctx
	if lost == nil {
		var stop context.CancelFunc
		bounded, stop = context.WithTimeout(ctx, startPatience)
		defer stop()
	}
	err := s.readAndParse(bounded)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if lost == nil {
		if s.Config, lost = s.parse(last.raw); lost == nil {
			s.raw = last.raw
			s.copied = fmt.Sprintf("fisherman started with the last good one, kept at %s, because the present one cannot be used: %v", last.kept, err)
			s.Log.Error().Err(err).Str("from", s.from.Location()).Str("kept", last.kept).
				Msg("starting with the last good configuration, because the present one cannot be used")
			return nil
		}
	}
	switch {
	case !errors.Is(lost, fs.ErrNotExist):
		return fmt.Errorf("%w\nand the copy of the last good one cannot be used either: %w", err, lost)
	case errors.As(err, new(config.Problems)):
		return err
	}
	return fmt.Errorf("%w\nand %s holds no copy of an earlier one; if `state` is another directory, name it with --state, too",
		err, cmp.Or(state, defaultState))
}

func (s *settings) readAndParse(ctx context.Context) (err error) {
	if s.raw, err = s.from.Read(ctx); err != nil {
		return err
	}
	s.Config, err = s.parse(s.raw)
	return cannotBeUsed(s.from.Location(), err)
}

// keep puts a configuration that works aside.
func (p *program) keep(raw []byte) {
	if p.from == nil {
		return
	}
	if err := keepLastGood(p.State, p.from.Location(), raw); err != nil { // a full disk, say
		p.Log.Error().Err(err).Send()
	}
}
