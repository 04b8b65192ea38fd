package proxy

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// batchTime is how long a line of the access log waits for company. Writing each one alone is a system call, and
	// would cost about a tenth of the CPU time of a request.
	batchTime = 100 * time.Millisecond
	// batchSize is written at once, so that the log keeps up and memory stays bounded.
	batchSize = 64 << 10
	// batchMost is kept while out takes its time. What comes on top is lost: a log that hangs keeps nobody waiting.
	batchMost = 4 << 20
)

// batch collects log lines and writes many of them in one go.
type batch struct {
	log   zerolog.Logger
	begun chan struct{} // has a value when there is something to write
	full  chan struct{} // has one when it is not to wait for company

	writing sync.Mutex // guards the two fields below, and is held while out is written to
	out     io.Writer  // nil until there is a place
	spare   []byte     // the buffer that is not in use

	mu    sync.Mutex // guards the fields below
	lines []byte
	lost  int
}

func newBatch(log zerolog.Logger) *batch {
	return &batch{log: log, begun: make(chan struct{}, 1), full: make(chan struct{}, 1)}
}

// Write takes a line. It never waits for out.
func (b *batch) Write(line []byte) (int, error) {
	if b.take(line) {
		offer(b.full)
	}
	offer(b.begun)
	return len(line), nil
}

// offer puts a value into a channel that has room for one.
func offer(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (b *batch) take(line []byte) (full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines)+len(line) > batchMost {
		b.lost++
		return true
	}
	b.lines = append(b.lines, line...)
	return len(b.lines) >= batchSize
}

// turn has what comes from here on written elsewhere; what came before goes where it would have gone.
func (b *batch) turn(out io.Writer) {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.endLocked()
	b.out = out
}

// end writes what is there, and lets go of a file until there is more for it.
func (b *batch) end() {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.endLocked()
}

func (b *batch) endLocked() {
	b.flushLocked()
	if file, ok := b.out.(*logFile); ok {
		file.close()
	}
}

func (b *batch) flush() {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.flushLocked()
}

// flushLocked writes what is there. A log that cannot be written is no reason to stop serving.
func (b *batch) flushLocked() {
	b.mu.Lock()
	lines, lost := b.lines, b.lost
	b.lines, b.lost = b.spare[:0], 0
	b.mu.Unlock()
	if lost > 0 {
		b.log.Warn().Int("lost", lost).Msg("the access log takes too long to write; lines were lost")
	}
	if len(lines) > 0 {
		_, _ = b.out.Write(lines)
	}
	if b.spare = lines; cap(lines) > 4*batchSize { // it was a rare moment
		b.spare = nil
	}
}

// run writes batches until ctx ends, and then the last one.
func (b *batch) run(ctx context.Context) {
	defer b.end()
	for {
		select {
		case <-b.begun:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(batchTime):
			b.flush()
		case <-b.full:
			b.flush()
		case <-ctx.Done():
			return
		}
	}
}
