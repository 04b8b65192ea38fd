package webhooks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	maxBody   = 25 << 20        // GitHub sends nothing longer
	maxHeld   = 64 << 20        // of bodies, over all requests
	maxWait   = 8 * time.Second // GitHub waits 10 s for an answer
	smallSlot = 128 << 10       // most deliveries: a package event takes about 25 kB
	largeSlot = maxBody + 1<<10 // one byte more tells that a body is too long, and bytes.Buffer wants some room to read into
	maxLarge  = 2
	maxSmall  = (maxHeld - maxLarge*largeSlot) / smallSlot
)

// bodies bounds the memory that bodies take, counting those whose sender is not yet verified. At the bound a request waits
// instead of being refused: GitHub does not redeliver by itself.
//
// Each body first has a small slot and moves on to a large one only when that is full. A length that is declared but never
// sent so takes nothing from others, a small delivery need not wait for large ones, and as a large slot holds any
// body, nobody waits for memory held by somebody who waits for memory.
type bodies struct {
	small, large chan struct{} // one element per slot in use
}

func newBodies() *bodies {
	return &bodies{small: make(chan struct{}, maxSmall), large: make(chan struct{}, maxLarge)}
}

// read holds the request's body while use works on it. The bytes are not valid afterwards.
func (b *bodies) read(r *http.Request, use func(body []byte) (Event, error)) (Event, error) {
	if r.ContentLength > maxBody {
		return Event{}, ErrTooLarge
	}
	if r.Body == nil { // as http.NewRequest leaves it
		return use(nil)
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxWait)
	defer cancel()
	if err := take(ctx, b.small); err != nil {
		return Event{}, err
	}
	defer give(b.small)
	start, err := readOn(nil, r, smallSlot-bytes.MinRead)
	if err != nil {
		return Event{}, err
	}
	if len(start) < smallSlot-bytes.MinRead {
		return use(start)
	}
	if err := take(ctx, b.large); err != nil {
		return Event{}, err
	}
	defer give(b.large)
	whole, err := readOn(start, r, maxBody+1)
	if err != nil {
		return Event{}, err
	}
	if len(whole) > maxBody {
		return Event{}, ErrTooLarge
	}
	return use(whole)
}

// readOn reads what follows start, until there are limit bytes in all or the body ends. The buffer is made in its final size, as
// growing would hold an old and a new one.
func readOn(start []byte, r *http.Request, limit int) ([]byte, error) {
	size := limit
	if r.ContentLength >= 0 {
		size = min(size, int(r.ContentLength))
	}
	buffer := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	buffer.Write(start)
	_, err := buffer.ReadFrom(io.LimitReader(r.Body, int64(limit-len(start))))
	var limited *http.MaxBytesError
	switch {
	case errors.As(err, &limited):
		return nil, ErrTooLarge
	case err != nil:
		return nil, ErrIncomplete
	}
	return buffer.Bytes(), nil
}

// take occupies a slot, waiting for one until ctx ends.
func take(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}: // a free slot is taken even when ctx has ended
		return nil
	default:
	}
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ErrBusy
	}
}

func give(slots chan struct{}) { <-slots }
