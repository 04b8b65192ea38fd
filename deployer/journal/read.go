package journal

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
)

// Load returns what was promised and is not done, and forgets deliveries that are too old to come again.
func (j *Journal) Load() (deployer.Memory, error) {
	m := deployer.Memory{Orders: map[string]deployer.Order{}}
	err := j.db.Update(func(tx *bolt.Tx) error {
		m.Arrival, _ = strconv.ParseInt(string(tx.Bucket([]byte(meta)).Get([]byte("arrival"))), 10, 64)
		err := tx.Bucket([]byte(active)).ForEach(func(id, _ []byte) error {
			d, err := getDeployment(tx, id)
			m.Active = append(m.Active, d)
			return err
		})
		if err != nil {
			return err
		}
		err = each(tx, orders, func(k []byte, o deployer.Order) error { m.Orders[string(k)] = o; return nil })
		if err != nil {
			return err
		}
		err = each(tx, lookups, func(_ []byte, l deployer.Lookup) error { m.Lookups = append(m.Lookups, l); return nil })
		if err != nil {
			return err
		}
		return forgetDeliveries(tx, time.Now())
	})
	slices.SortFunc(m.Active, func(a, b deployer.Deployment) int { return cmp.Compare(a.Arrival, b.Arrival) })
	return m, err
}

// Deployment returns one by id; deployer.ErrNotFound.
func (j *Journal) Deployment(id string) (d deployer.Deployment, err error) {
	err = j.db.View(func(tx *bolt.Tx) error {
		d, err = getDeployment(tx, []byte(id))
		return err
	})
	return d, err
}

func getDeployment(tx *bolt.Tx, id []byte) (deployer.Deployment, error) {
	raw := tx.Bucket([]byte(deployments)).Get(id)
	if raw == nil {
		return deployer.Deployment{}, fmt.Errorf("deployment %q %w", id, deployer.ErrNotFound)
	}
	return decode[deployer.Deployment](deployments, raw)
}

// Deployments lists the newest first, of one service or, with an empty name, of all.
func (j *Journal) Deployments(service string, limit int) ([]deployer.Deployment, error) {
	bucket, prefix := deployments, []byte(nil)
	if service != "" {
		bucket, prefix = byService, key(service, "")
	}
	var list []deployer.Deployment
	err := j.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(bucket)).Cursor()
		for k := lastWith(c, prefix); k != nil && bytes.HasPrefix(k, prefix) && len(list) < limit; k, _ = c.Prev() {
			d, err := getDeployment(tx, k[len(prefix):])
			if err != nil {
				return err
			}
			list = append(list, d)
		}
		return nil
	})
	return list, err
}

// lastWith puts the cursor on the last key with a prefix that ends in a zero byte, or on the last of all.
func lastWith(c *bolt.Cursor, prefix []byte) (k []byte) {
	if len(prefix) == 0 {
		k, _ = c.Last()
		return k
	}
	after := append(bytes.Clone(prefix[:len(prefix)-1]), 1)
	if k, _ = c.Seek(after); k == nil {
		k, _ = c.Last()
		return k
	}
	k, _ = c.Prev()
	return k
}

// Judged reports whether a deployment of this digest has ended here as succeeded, failed, rolled back or superseded.
func (j *Journal) Judged(service, digest string) (found bool, err error) {
	err = j.db.View(func(tx *bolt.Tx) error {
		found = tx.Bucket([]byte(judged)).Get(key(service, digest)) != nil
		return nil
	})
	return found, err
}

// Delivery returns the deployments that a delivery led to.
func (j *Journal) Delivery(repository, id string) (ids []string, known bool, err error) {
	err = j.db.View(func(tx *bolt.Tx) error {
		raw := tx.Bucket([]byte(deliveries)).Get(key(repository, id))
		if known = raw != nil; !known {
			return nil
		}
		d, err := decode[deployer.Delivery](deliveries, raw)
		ids = d.Deployments
		return err
	})
	return ids, known, err
}
