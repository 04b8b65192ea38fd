package proxy

import (
	"context"
	"io"
	"sync"
	"time"
)

const (
	// batchTime is how long a line of the access log waits for company. Writing each one alone is a system call, and
	// would cost about a tenth of the CPU time of a request.
	batchTime = 100 * time.Millisecond
	// batchSize is written at once, so that the log keeps up and memory stays bounded.
	batchSize = 64 << 10
)

// batch collects log lines and writes many of them in one go.
type batch struct {
	out   io.Writer
	begun chan struct{} // has a value when there is something to write

	writing sync.Mutex // keeps batches in order; taken before mu
	spare   []byte     // the buffer that is not in use; guarded by writing
	mu      sync.Mutex
	lines   []byte
}

func newBatch(out io.Writer) *batch {
	return &batch{out: out, begun: make(chan struct{}, 1)}
}

// Write takes a line. It only waits for out when lines come faster than that can take them.
func (b *batch) Write(line []byte) (int, error) {
	b.mu.Lock()
	b.lines = append(b.lines, line...)
	full := len(b.lines) >= batchSize
	b.mu.Unlock()
	if full {
		b.flush()
		return len(line), nil
	}
	select {
	case b.begun <- struct{}{}:
	default:
	}
	return len(line), nil
}

// flush writes what is there. A log that cannot be written is no reason to stop serving.
func (b *batch) flush() {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	lines := b.lines
	b.lines = b.spare[:0]
	b.mu.Unlock()
	if len(lines) > 0 {
		_, _ = b.out.Write(lines)
	}
	b.spare = lines
}

// run writes batches until ctx ends, and then the last one.
func (b *batch) run(ctx context.Context) {
	defer b.flush()
	for {
		select {
		case <-b.begun:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(batchTime):
			b.flush()
		case <-ctx.Done():
			return
		}
	}
}
