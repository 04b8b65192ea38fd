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

// readConfig reads a configuration; its problems, those that files finds among them, are an error of one line each.
func readConfig(ctx context.Context, s *source.Source, files files) (*config.Config, error) {
	raw, err := s.Read(ctx)
	if err != nil {
		return nil, err
	}
	c, err := resolve(config.Surroundings{ReadFile: s.Beside(ctx), Files: files}, raw, "")
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

// files says what is wrong with the certificates that a configuration names; nil: nobody looks.
type files = func(*config.Config) config.Problems

// asTheyAre are all problems with files as they are on disk now.
func asTheyAre(c *config.Config) config.Problems { return c.CheckFiles(time.Now()) }

// parse makes a configuration of its text.
type parse func(raw []byte, files files) (*config.Config, error)

// peek makes a configuration of a text that is only looked at: none of the files that it names are watched, and where values are
// shown it gets those variables of the environment that may be. It ends with whoever asked.
type peek func(asked context.Context, raw []byte, files files, mayShow func(variable string) bool) (*config.Config, error)

// understand says how a configuration is made of a text. state is the directory that the command line names, if it does.
func (s *settings) understand(ctx context.Context, state string) {
	from := s.from
	s.parse = func(raw []byte, files files) (*config.Config, error) {
		around := config.Surroundings{Files: files}
		if from != nil {
			around.ReadFile = from.Beside(ctx)
		}
		return resolve(around, raw, state)
	}
	s.peek = func(asked context.Context, raw []byte, files files, mayShow func(string) bool) (*config.Config, error) {
		asked, stop := context.WithCancel(asked)
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		around := config.Surroundings{MayShow: mayShow, Files: files}
		if from != nil {
			around.ReadFile = from.PeekBeside(asked)
		}
		return resolve(around, raw, state)
	}
}

// resolve makes a configuration of a text, with the state directory that the command line names, if it does.
func resolve(around config.Surroundings, raw []byte, state string) (*config.Config, error) {
	around.Getenv = os.LookupEnv
	c, err := around.Parse(raw)
	if err == nil && state != "" {
		c.State = state
	}
	return c, err
}

// startConfig gets what a server starts with: the configuration, or where that cannot be had the last one that was good. Of the
// files that one names, which nobody keeps a copy of because they hold secrets, any may be lacking: what runs goes on without. The
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
	beside := s.from.Beside(bounded) // one for both: what the present one could not get may come
	err := s.readAndParse(bounded, beside, state)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if lost == nil {
		around := config.Surroundings{ReadFile: beside, MayLack: true}
		if s.Config, lost = resolve(around, last.raw, state); lost == nil {
			s.startWith(last, err)
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

// startWith tells that the server starts with a copy, why, and what is lacking.
func (s *settings) startWith(last lastGood, because error) {
	s.raw = last.raw
	s.copied = fmt.Sprintf("fisherman started with the last good one, kept at %s, because the present one cannot be used: %v", last.kept, because)
	s.Log.Error().Err(because).Str("from", s.from.Location()).Str("kept", last.kept).
		Msg("starting with the last good configuration, because the present one cannot be used")
	for _, why := range s.Lacks {
		s.copied += "\nlacking: " + why
		s.Log.Error().Str("why", why).Msg("a file that the configuration names is lacking; what runs goes on, and what needs the file waits for it")
	}
}

func (s *settings) readAndParse(ctx context.Context, beside func(name, written string) ([]byte, error), state string) (err error) {
	if s.raw, err = s.from.Read(ctx); err != nil {
		return err
	}
	// Without a look at certificates: one that is bad keeps no other host from being served.
	s.Config, err = resolve(config.Surroundings{ReadFile: beside}, s.raw, state)
	return cannotBeUsed(s.from.Location(), err)
}

// keep puts a configuration that works aside.
func (p *program) keep(raw []byte) {
	if p.from == nil {
		return
	}
	if err := keepLastGood(p.State, p.from.Location(), raw); err != nil { // a full disk, say
		p.Log.Error().Err(err).Msg("the configuration that runs has no copy; a start without its source would fail until there is one")
	}
}
