// Package source is where a configuration lives: a file of this machine or an object in S3, and the files that it names
// beside itself. It reads them, whole and within bounds, and tells when they differ from what was read last.
//
// Nothing is understood here and nothing is kept: a text is bytes.
package source

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// MaxSize bounds each text, in bytes. Of a longer one a byte more than that is read, so that whoever checks it can tell.
const MaxSize = 1 << 20

// patience bounds one reading, tries included.
const patience = 20 * time.Second

// Why a text cannot be read; each is wrapped by an error that names the text and the remedy.
var (
	ErrAbsent  = errors.New("is not there")
	ErrRefused = errors.New("may not be read")
	ErrAway    = errors.New("cannot be reached")
)

// ErrUnread is what every error of Read and Peek is. Its text names the place and the remedy, and is for people.
var ErrUnread = errors.New("read the configuration")

// Options say how a Source is watched. The zero value is what a server wants.
type Options struct {
	Log zerolog.Logger
	// Look is the pause between two looks at files. Default 500 ms.
	Look time.Duration
	// Settle is how long a file must have been left alone before its content counts. Default 2 s.
	Settle time.Duration
	// Poll is the pause between two questions to S3, about. Default 60 s.
	Poll time.Duration
	// Trouble is told when a text cannot be read any more, once, and with nil when that is over. It is called by Run, one
	// call at a time, and must not block.
	Trouble func(place string, err error)
}

// Source is one configuration and what lies beside it. Its methods may be called from any goroutine.
type Source struct {
	Options
	main    place
	buckets buckets

	mu     sync.Mutex // guards the fields below
	raw    []byte     // the configuration as it was given out last; nil: never
	given  map[place]version
	asks   int   // how often anything was read
	unread error // why the configuration could not be read the last time somebody wanted to; nil: it could

	telling sync.Mutex // held while Run calls anybody
}

// version is what tells one text from another.
type version struct {
	sum   [sha256.Size]byte // zero: it could not be read
	etag  string            // of an object
	asked int               // of two readings of a place the one with more counts, whichever was over first
}

// Open makes a Source of a path or s3://bucket/key. It reads nothing yet.
func Open(location string, o Options) (*Source, error) {
	main, err := locate(location)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	o.Look = or(o.Look, 500*time.Millisecond)
	o.Settle = or(o.Settle, 2*time.Second)
	o.Poll = or(o.Poll, time.Minute)
	if o.Trouble == nil {
		o.Trouble = func(string, error) {}
	}
	return &Source{Options: o, main: main, given: map[place]version{main: {}}}, nil
}

func or(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// Location is the configuration's place in one certain form: an absolute path or s3://bucket/key.
func (s *Source) Location() string { return s.main.String() }

// Newest returns the configuration as it was given out last, by whomever; nil: it never was.
func (s *Source) Newest() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw
}

// Read returns the configuration, at most MaxSize+1 bytes of it; what somebody has read meanwhile counts instead. From then on
// Run tells of what differs from that. The error wraps ErrAbsent, ErrRefused or ErrAway where it is one of these.
func (s *Source) Read(ctx context.Context) ([]byte, error) {
	raw, v, err := s.get(ctx, s.main, "")
	s.mu.Lock()
	s.unread = err
	s.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	s.give(s.main, v, raw)
	return s.Newest(), nil
}

// Peek returns the configuration for a look at it. Nothing is known outside by that: Run goes on to tell of what differs from
// what was read last.
func (s *Source) Peek(ctx context.Context) ([]byte, error) {
	raw, _, err := s.get(ctx, s.main, "")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	return raw, nil
}

// PeekBeside is Beside for a look at a configuration: what is watched stays as it was.
func (s *Source) PeekBeside(ctx context.Context) func(name, written string) ([]byte, error) {
	get := s.getter(ctx)
	return func(name, written string) ([]byte, error) {
		where, err := s.main.beside(name, written)
		if err != nil {
			return nil, err
		}
		raw, _, err := get(where)
		return raw, err
	}
}

// getter gets one text after the other. Who needs many waits only once for a bucket that cannot be reached.
func (s *Source) getter(ctx context.Context) func(from place) ([]byte, version, error) {
	away := map[string]place{}
	return func(from place) ([]byte, version, error) {
		if first, is := away[from.bucket]; is && from.file == "" {
			return nil, version{}, fmt.Errorf("%s %w: %s could not be a moment ago; is the network well, and the endpoint right (AWS_ENDPOINT_URL)?", from, ErrAway, first)
		}
		raw, v, err := s.get(ctx, from, "")
		if errors.Is(err, ErrAway) {
			away[from.bucket] = from
		}
		return raw, v, err
	}
}

// Beside returns what reads a file that the configuration names: an absolute path of this machine, s3://bucket/key, or a
// path from the configuration's own directory or prefix. Where that is not how it is written there, only what is written is
// told. A file has at most MaxSize+1 bytes. What the newest of these readers has asked for is watched by Run, also what it
// could not get; it counts as known as it was the first time.
func (s *Source) Beside(ctx context.Context) func(name, written string) ([]byte, error) {
	given := map[place]version{}
	s.mu.Lock()
	given[s.main] = s.given[s.main]
	s.given = given
	s.mu.Unlock()
	get := s.getter(ctx)
	return func(name, written string) ([]byte, error) {
		where, err := s.main.beside(name, written)
		if err != nil {
			return nil, err
		}
		raw, v, err := get(where)
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, asked := given[where]; !asked {
			given[where] = v
		}
		return raw, err
	}
}

// get reads one text. With an etag it returns errSame when the object still has that one.
func (s *Source) get(ctx context.Context, from place, etag string) ([]byte, version, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	asked := s.ask()
	var raw []byte
	var err error
	if from.file != "" {
		raw, etag, err = readFile(ctx, from.file)
	} else {
		raw, etag, err = s.buckets.get(ctx, from, etag)
	}
	if err != nil {
		return nil, version{}, from.discreet(err)
	}
	return raw, version{sha256.Sum256(raw), etag, asked}, nil
}

func (s *Source) ask() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks++
	return s.asks
}

// give notes which version of a text is known outside from now on, unless a newer one is.
func (s *Source) give(of place, v version, raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, watched := s.given[of]
	if known.asked > v.asked {
		return
	}
	if watched {
		s.given[of] = v
	}
	if of == s.main {
		s.raw = raw
	}
}

// known is what is watched, and which version of it is known outside.
func (s *Source) known() map[place]version {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.given)
}
