package journal

import (
	"strconv"
	"time"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
)

// Commit writes a change in one transaction; bbolt has synced the file when it returns. A change of nothing costs
// nothing. When a deployment ends, a little of what is old is forgotten with it.
func (j *Journal) Commit(c deployer.Change) error {
	if len(c.Deployments) == 0 && len(c.Orders) == 0 && len(c.Lookups) == 0 && c.Delivery == nil {
		return nil
	}
	return j.update(func(tx *bolt.Tx) error {
		for _, d := range c.Deployments {
			if err := j.putDeployment(tx, d); err != nil {
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
		if c.Delivery != nil {
			return j.putDelivery(tx, *c.Delivery, time.Now())
		}
		return nil
	})
}

func (j *Journal) putDeployment(tx *bolt.Tx, d deployer.Deployment) error {
	if err := put(tx, deployments, key(d.ID), d); err != nil {
		return err
	}
	if err := raiseArrival(tx, d.Clock()); err != nil {
		return err
	}
	if err := indexDeployment(tx, d); err != nil || !d.State.Ended() {
		return err
	}
	if d.State.Judges() && d.Digest != "" {
		if err := judge(tx, d); err != nil {
			return err
		}
	}
	return j.trimNowAndThen(tx, d.Service)
}

// judge remembers that a digest was judged, and by which deployment last.
func judge(tx *bolt.Tx, d deployer.Deployment) error {
	k := key(d.Service, d.Digest)
	if before := tx.Bucket([]byte(judged)).Get(k); before != nil {
		if err := tx.Bucket([]byte(judgments)).Delete(key(d.Service, string(before), d.Digest)); err != nil {
			return err
		}
	}
	if err := tx.Bucket([]byte(judged)).Put(k, []byte(d.ID)); err != nil {
		return err
	}
	return tx.Bucket([]byte(judgments)).Put(key(d.Service, d.ID, d.Digest), nil)
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
