package journal

import (
	"bytes"
	"encoding/binary"
	"time"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
)

// dated is the key of a delivery and when it came: an entry of the index by age.
type dated struct {
	at  time.Time
	key []byte
}

func (d dated) bytes() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(d.at.UnixNano())), d.key...)
}

func parseDated(raw []byte) dated {
	if len(raw) < 8 {
		return dated{}
	}
	return dated{time.Unix(0, int64(binary.BigEndian.Uint64(raw))), raw[8:]}
}

// putDelivery records a delivery, and forgets a few that are too old.
func (j *Journal) putDelivery(tx *bolt.Tx, d deployer.Delivery, now time.Time) error {
	k := key(d.Repository, d.ID)
	if !has(tx, deliveries, k) {
		if err := enqueue(tx, delivered, dated{d.At, k}.bytes()); err != nil {
			return err
		}
	}
	if err := put(tx, deliveries, k, d); err != nil {
		return err
	}
	return forgetDeliveries(tx, j.limits.oldDeliveries(tx, now, j.limits.step))
}

// oldDeliveries are the numbers of deliveries that may be forgotten, among as many of the oldest as are to be looked at.
func (l limits) oldDeliveries(tx *bolt.Tx, now time.Time, look int) (numbers [][]byte) {
	c := tx.Bucket([]byte(delivered)).Cursor()
	last, _ := c.Last()
	for k, v := c.First(); k != nil && look > 0; k, v = c.Next() {
		look--
		if since := number(last) - number(k); l.forgets(now.Sub(parseDated(v).at), since) {
			numbers = append(numbers, bytes.Clone(k))
		}
	}
	return numbers
}

func forgetDeliveries(tx *bolt.Tx, numbers [][]byte) error {
	index := tx.Bucket([]byte(delivered))
	for _, n := range numbers {
		if d := parseDated(index.Get(n)); len(d.key) > 0 {
			if err := tx.Bucket([]byte(deliveries)).Delete(d.key); err != nil {
				return err
			}
		}
		if err := index.Delete(n); err != nil {
			return err
		}
	}
	return nil
}

// enqueue puts a value behind all others of a bucket whose keys are ascending numbers.
func enqueue(tx *bolt.Tx, bucket string, v []byte) error {
	b := tx.Bucket([]byte(bucket))
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	return b.Put(binary.BigEndian.AppendUint64(nil, n), v)
}

func number(k []byte) uint64 {
	if len(k) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(k)
}
