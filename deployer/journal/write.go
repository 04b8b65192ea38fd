package journal

import (
	"strconv"
	"time"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
)

// Commit writes a change in one transaction; bbolt has synced the file when it returns. A change of nothing costs nothing.
func (j *Journal) Commit(c deployer.Change) error {
	if len(c.Deployments) == 0 && len(c.Orders) == 0 && len(c.Lookups) == 0 && c.Delivery == nil {
		return nil
	}
	return j.db.Update(func(tx *bolt.Tx) error {
		for _, d := range c.Deployments {
			if err := putDeployment(tx, d); err != nil {
				return err
			}
		}
		for service, order := range c.Orders {
			if err := put(tx, orders, key(service), order); err != nil {
				return err
			}
		}
		for _, l := range c.Lookups {
			if err := putLookup(tx, l); err != nil {
				return err
			}
		}
		if d := c.Delivery; d != nil {
			return put(tx, deliveries, key(d.Repository, d.ID), d)
		}
		return nil
	})
}

func putDeployment(tx *bolt.Tx, d deployer.Deployment) error {
	if err := put(tx, deployments, key(d.ID), d); err != nil {
		return err
	}
	if err := tx.Bucket([]byte(byService)).Put(key(d.Service, d.ID), nil); err != nil {
		return err
	}
	if err := raiseArrival(tx, d.Arrival); err != nil {
		return err
	}
	if !d.State.Ended() {
		return tx.Bucket([]byte(active)).Put(key(d.ID), nil)
	}
	if d.State.Judges() && d.Digest != "" {
		if err := tx.Bucket([]byte(judged)).Put(key(d.Service, d.Digest), []byte(d.ID)); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(active)).Delete(key(d.ID))
}

func raiseArrival(tx *bolt.Tx, arrival int64) error {
	b := tx.Bucket([]byte(meta))
	if highest, _ := strconv.ParseInt(string(b.Get([]byte("arrival"))), 10, 64); highest >= arrival {
		return nil
	}
	return b.Put([]byte("arrival"), strconv.AppendInt(nil, arrival, 10))
}

func putLookup(tx *bolt.Tx, l deployer.Lookup) error {
	k := key(l.Service, l.Trigger.Digest)
	if l.Done {
		return tx.Bucket([]byte(lookups)).Delete(k)
	}
	return put(tx, lookups, k, l)
}

// forgetDeliveries drops those that GitHub cannot send again.
func forgetDeliveries(tx *bolt.Tx, now time.Time) error {
	var old [][]byte
	err := each(tx, deliveries, func(k []byte, d deployer.Delivery) error {
		if now.Sub(d.At) > keepDeliveries {
			old = append(old, append([]byte(nil), k...))
		}
		return nil
	})
	for _, k := range old {
		if err := tx.Bucket([]byte(deliveries)).Delete(k); err != nil {
			return err
		}
	}
	return err
}
