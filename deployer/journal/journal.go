// Package journal keeps what must survive a crash in one bbolt file: deployments, the order of pushes, promised
// look-ups, judged digests and the deliveries that led to something.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// version is the layout of the file. A file of a newer version is not touched.
const version = "1"

// keepDeliveries is how long a delivery is known. GitHub lets one be sent again for 3 days, with the same id.
const keepDeliveries = 30 * 24 * time.Hour

// The buckets, with their keys and values.
const (
	meta        = "meta"        // "version"; "arrival" → the highest one given
	deployments = "deployments" // id → deployment
	byService   = "by_service"  // service, id → nothing
	active      = "active"      // id → nothing: not ended
	judged      = "judged"      // service, digest → id
	deliveries  = "deliveries"  // repository, id → delivery
	orders      = "orders"      // service → order
	lookups     = "lookups"     // service, digest → look-up
	messages    = "messages"    // deployment id → id of its message on Discord
)

// Journal implements deployer.Journal. It may be used from any goroutine.
type Journal struct{ db *bolt.DB }

// Open opens the file, or makes it with mode 0600. A file that another process holds is an error after one second.
func Open(path string) (*Journal, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open %s: another fisherman uses this state directory; stop it, or give this one its own", path)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w; if the file is damaged, move it away: routes and containers stay, the history is lost", path, err)
	}
	j := &Journal{db}
	if err := db.Update(prepare); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return j, nil
}

func prepare(tx *bolt.Tx) error {
	for _, name := range []string{meta, deployments, byService, active, judged, deliveries, orders, lookups, messages} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	b := tx.Bucket([]byte(meta))
	switch v := string(b.Get([]byte("version"))); v {
	case version:
		return nil
	case "":
		return b.Put([]byte("version"), []byte(version))
	default:
		return fmt.Errorf("the file has layout %s and this version of fisherman knows %s; run the newer version again", v, version)
	}
}

// Close lets go of the file.
func (j *Journal) Close() error { return j.db.Close() }

// key joins parts that hold no zero byte.
func key(parts ...string) []byte {
	var k []byte
	for i, p := range parts {
		if i > 0 {
			k = append(k, 0)
		}
		k = append(k, p...)
	}
	return k
}

// put writes a value as JSON.
func put(tx *bolt.Tx, bucket string, k []byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", bucket, err)
	}
	return tx.Bucket([]byte(bucket)).Put(k, raw)
}

// decode reads a value that put wrote.
func decode[T any](bucket string, raw []byte) (v T, err error) {
	if err = json.Unmarshal(raw, &v); err != nil {
		err = fmt.Errorf("decode %s: %w", bucket, err)
	}
	return v, err
}

// each decodes every value of a bucket.
func each[T any](tx *bolt.Tx, bucket string, visit func(k []byte, v T) error) error {
	return tx.Bucket([]byte(bucket)).ForEach(func(k, raw []byte) error {
		v, err := decode[T](bucket, raw)
		if err != nil {
			return err
		}
		return visit(k, v)
	})
}

// Message returns the id of a deployment's message on Discord, or "".
func (j *Journal) Message(deployment string) (id string, err error) {
	err = j.db.View(func(tx *bolt.Tx) error {
		id = string(tx.Bucket([]byte(messages)).Get([]byte(deployment)))
		return nil
	})
	return id, err
}

// SetMessage records the id of a deployment's message on Discord.
func (j *Journal) SetMessage(deployment, id string) error {
	return j.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(messages)).Put([]byte(deployment), []byte(id))
	})
}

var _ deployer.Journal = (*Journal)(nil)
