package discord

import (
	"sync"
	"time"
)

// forever is how long there is to wait when there is nothing to tell.
const forever = 24 * time.Hour

// queue holds the newest of each deployment and outage, and which of it Discord has not seen.
type queue struct {
	woken    chan struct{} // holds a token while there may be something new
	capacity int

	mu      sync.Mutex // guards the fields below
	ticks   uint64
	entries map[string]*entry // by id
}

type entry struct {
	item
	order    uint64    // when it last got in line
	fresh    bool      // Discord has not seen this
	earliest time.Time // an edit before that would come too soon after the last; the final one may come any time
}

// item is what there is to tell, as it was when it was asked for.
type item struct {
	news
	message string // the id of its message, empty while unknown
	version uint64
}

func newQueue(capacity int) *queue {
	return &queue{woken: make(chan struct{}, 1), capacity: capacity, entries: map[string]*entry{}}
}

// put notes the newest and wakes the sender. When there is too much, it says what it forgot.
func (q *queue) put(n news) (forgotten news, full bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ticks++
	e, ok := q.entries[n.id]
	if !ok {
		e = &entry{}
		q.entries[n.id] = e
	}
	if !e.fresh {
		e.order = q.ticks
	}
	e.news, e.version, e.fresh = n, q.ticks, true
	select {
	case q.woken <- struct{}{}:
	default:
	}
	return q.shrinkLocked()
}

// shrinkLocked forgets the oldest of what matters least: what Discord knows, then deployments that have not ended and will
// be heard of again.
func (q *queue) shrinkLocked() (forgotten news, full bool) {
	if len(q.entries) <= q.capacity {
		return news{}, false
	}
	var least *entry
	for _, e := range q.entries {
		if least == nil || e.rank() < least.rank() || e.rank() == least.rank() && e.order < least.order {
			least = e
		}
	}
	delete(q.entries, least.id)
	return least.news, least.fresh
}

func (e *entry) rank() int {
	switch {
	case !e.fresh:
		return 0
	case e.returns():
		return 1
	}
	return 2
}

// next returns what to tell now, or how long to wait for it.
func (q *queue) next(now time.Time) (item, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait := forever
	var first *entry
	for _, e := range q.entries {
		switch {
		case !e.fresh:
		case !e.final && now.Before(e.earliest):
			wait = min(wait, e.earliest.Sub(now))
		case first == nil || e.order < first.order:
			first = e
		}
	}
	if first == nil {
		return item{}, wait
	}
	return first.item, 0
}

// told notes what came of telling an item. What was not delivered gets in line again, behind the others.
func (q *queue) told(it item, message string, delivered bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.entries[it.id]
	if !ok {
		return
	}
	q.ticks++
	e.message, e.order, e.earliest = message, q.ticks, time.Now().Add(spacing)
	if !delivered || e.version != it.version {
		return
	}
	e.fresh = false
	if e.final {
		delete(q.entries, it.id)
	}
}

// untold counts the messages that do not say the newest.
func (q *queue) untold() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, e := range q.entries {
		if e.fresh {
			n++
		}
	}
	return n
}
