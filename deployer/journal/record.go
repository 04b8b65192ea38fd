package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
)

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

// split is the reverse of key for two parts; the second one is empty where there is no zero byte.
func split(k []byte) (first, second []byte) {
	first, second, _ = bytes.Cut(k, []byte{0})
	return first, second
}

// put writes a value as JSON.
func put(tx *bolt.Tx, bucket string, k []byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", bucket, err)
	}
	return tx.Bucket([]byte(bucket)).Put(k, raw)
}

// has reports whether a bucket has a key; bbolt's Get does not tell an empty value from none.
func has(tx *bolt.Tx, bucket string, k []byte) bool {
	found, _ := tx.Bucket([]byte(bucket)).Cursor().Seek(k)
	return bytes.Equal(found, k)
}

// decode reads a value that put wrote. The error names the bucket and the key.
func decode[T any](bucket string, k, raw []byte) (v T, err error) {
	if err = json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("record %q of %s is damaged: %w", k, bucket, err)
	}
	return v, nil
}

// decodeDeployment also refuses what cannot have been written: the deployer relies on states that it knows.
func decodeDeployment(id, raw []byte) (deployer.Deployment, error) {
	d, err := decode[deployer.Deployment](deployments, id, raw)
	if err == nil && (d.ID != string(id) || !isState(d.State) || d.Told != nil && !d.Told.State.Ended()) {
		err = fmt.Errorf("record %q of %s is damaged: it says %q, %q", id, deployments, d.ID, d.State)
	}
	return d, err
}

// decodeLookup also refuses one under another key than its own: it could never be done.
func decodeLookup(k, raw []byte) (deployer.Lookup, error) {
	l, err := decode[deployer.Lookup](lookups, k, raw)
	if err == nil && !bytes.Equal(key(l.Service, l.Trigger.Digest), k) {
		err = fmt.Errorf("record %q of %s is damaged: it says %q, %q", k, lookups, l.Service, l.Trigger.Digest)
	}
	return l, err
}

func isState(s deployer.State) bool {
	return s.Ended() || slices.Contains([]deployer.State{
		deployer.Waiting, deployer.Queued, deployer.Pulling, deployer.Starting, deployer.Verifying,
		deployer.Switching, deployer.Draining, deployer.Baking,
	}, s)
}

// lost stands for a deployment whose record cannot be read: it is in the history, and nothing is made of it.
func lost(service, id string, err error) deployer.Deployment {
	return deployer.Deployment{
		ID: id, Service: service, State: deployer.Failed,
		Reason: fmt.Sprintf("what became of it is not known: %v; deploy again if it matters", err),
	}
}

// newest yields what a bucket has under a prefix that ends in a zero byte (or in all, without one), the last key first.
// Keys come without the prefix; they and the values last as long as the transaction.
func newest(tx *bolt.Tx, bucket string, prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := tx.Bucket([]byte(bucket)).Cursor()
		for k, v := lastWith(c, prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Prev() {
			if !yield(k[len(prefix):], v) {
				return
			}
		}
	}
}

// lastWith puts the cursor on the last key with a prefix that ends in a zero byte, or on the last of all.
func lastWith(c *bolt.Cursor, prefix []byte) (k, v []byte) {
	if len(prefix) == 0 {
		return c.Last()
	}
	after := append(bytes.Clone(prefix[:len(prefix)-1]), 1)
	if k, _ = c.Seek(after); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// services are the first parts of a bucket's keys, each once.
func services(tx *bolt.Tx, bucket string) []string {
	var list []string
	c := tx.Bucket([]byte(bucket)).Cursor()
	for k, _ := c.First(); k != nil; {
		service, _ := split(k)
		list = append(list, string(service))
		k, _ = c.Seek(append(bytes.Clone(service), 1))
	}
	return list
}
