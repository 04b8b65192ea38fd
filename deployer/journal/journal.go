// Package journal keeps what must survive a crash in one bbolt file of bounded size: deployments, the order of pushes,
// promised look-ups, judged digests and the deliveries that led to something.
package journal

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
)

// layout is the version of the file. Buckets that were added to it since are indexes of the others, which an older
// fisherman neither knows nor needs; see index.go.
const layout = 1

// The buckets, with their keys and values. The parts of a key are joined by a zero byte.
const (
	meta        = "meta"        // "version"; "arrival" → the highest one given; "indexed" → the last transaction that kept the indexes
	deployments = "deployments" // id → deployment
	byService   = "by_service"  // service, id → nothing
	active      = "active"      // id → nothing: not ended
	judged      = "judged"      // service, digest → id
	deliveries  = "deliveries"  // repository, id → delivery
	orders      = "orders"      // service → order
	lookups     = "lookups"     // service, digest → look-up
	messages    = "messages"    // id of a deployment or an outage → id of its message on Discord

	steps     = "steps"     // tick → id: of every step that has one
	succeeded = "succeeded" // service, id → digest
	judgments = "judgments" // service, id, digest → nothing: judged, by age
	delivered = "delivered" // number → time and key of a delivery, by age
	outages   = "outages"   // number → key and value of a message that belongs to no deployment, by age
	departed  = "departed"  // service → when it was first seen to have left the configuration
)

func buckets() []string {
	return []string{
		meta, deployments, byService, active, judged, deliveries, orders, lookups, messages,
		steps, succeeded, judgments, delivered, outages, departed,
	}
}

// Journal implements deployer.Journal. It may be used from any goroutine.
type Journal struct {
	db     *bolt.DB
	file   *os.File // db's
	limits limits
	ended  map[string]int // how many deployments of a service ended since the start; guarded by the one writer that db admits
	broken atomic.Bool    // a transaction ended in a panic

	mu       sync.Mutex
	warnings []string
}

// Close lets go of the file.
func (j *Journal) Close() error {
	if j.broken.Load() {
		return j.file.Close() // bbolt would wait for a transaction that never ended
	}
	return j.db.Close()
}

// Warnings returns what is to be told to people, and forgets it: that Open set a file aside, which records Load could
// not read, and that the journal cannot be made smaller. It is to be asked after Open and after Load.
func (j *Journal) Warnings() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	told := j.warnings
	j.warnings = nil
	return told
}

func (j *Journal) warn(texts ...string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.warnings = append(j.warnings, texts...)
}

// view runs a transaction that reads.
func (j *Journal) view(read func(*bolt.Tx) error) error {
	return j.guard(func() error { return j.db.View(read) })
}

// update runs a transaction that writes, and marks the indexes as kept by it.
func (j *Journal) update(change func(*bolt.Tx) error) error {
	return j.guard(func() error {
		return j.db.Update(func(tx *bolt.Tx) error {
			if err := change(tx); err != nil {
				return err
			}
			return tx.Bucket([]byte(meta)).Put([]byte("indexed"), strconv.AppendInt(nil, int64(tx.ID()), 10))
		})
	})
}

// guard makes an error of a panic of bbolt and of a fault in the memory that maps the file, which is how a disk shows
// that breaks in use: a journal that fails is no reason to stop serving apps. bbolt may hold its locks for ever then, so
// nothing gets to it any more.
func (j *Journal) guard(run func() error) (err error) {
	if j.broken.Load() {
		return errors.New("the journal was damaged while it was in use; restart fisherman, which sets it aside if it still is")
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			j.broken.Store(true)
			err = damage("%v", p)
		}
	}()
	return run()
}

// damaged says that a file cannot be used as it is, and why.
type damaged struct{ reason string }

func (d *damaged) Error() string { return "the journal is damaged: " + d.reason }

func damage(format string, arguments ...any) error {
	return &damaged{fmt.Sprintf(format, arguments...)}
}

var _ deployer.Journal = (*Journal)(nil)
