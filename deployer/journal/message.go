package journal

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// Message returns the id of a message on Discord, or "". It is kept under the id of a deployment, and then as long as
// that one, or under a text of the caller's own: of those the newest 1,000 are kept.
func (j *Journal) Message(key string) (id string, err error) {
	err = j.view(func(tx *bolt.Tx) error {
		id = string(tx.Bucket([]byte(messages)).Get([]byte(key)))
		return nil
	})
	return id, err
}

// SetMessage records the id of a message on Discord; "" forgets it.
func (j *Journal) SetMessage(key, id string) error {
	return j.update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(messages))
		if id == "" {
			return b.Delete([]byte(key))
		}
		if !has(tx, deployments, []byte(key)) {
			if err := j.queueMessage(tx, key, id); err != nil {
				return err
			}
		}
		return b.Put([]byte(key), []byte(id))
	})
}

// queueMessage makes room for a message that goes with no deployment. The oldest goes, unless it has been set anew.
func (j *Journal) queueMessage(tx *bolt.Tx, k, id string) error {
	if err := enqueue(tx, outages, key(k, id)); err != nil {
		return err
	}
	b := tx.Bucket([]byte(outages))
	c := b.Cursor()
	last, _ := c.Last()
	oldest, entry := c.First()
	if number(last)-number(oldest) < j.limits.outages {
		return nil
	}
	k0, v0 := split(entry)
	if bytes.Equal(tx.Bucket([]byte(messages)).Get(k0), v0) {
		if err := tx.Bucket([]byte(messages)).Delete(k0); err != nil {
			return err
		}
	}
	return b.Delete(oldest)
}
