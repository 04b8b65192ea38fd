package journal

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
)

// prepare makes what is missing. A file whose last transaction was one of ours, of a version that keeps the indexes, is
// left as it is; any other one (new, or written by an older fisherman since) gets its indexes made anew.
func (j *Journal) prepare() error {
	ready := false
	err := j.view(func(tx *bolt.Tx) error {
		ready = isPrepared(tx)
		return nil
	})
	if err != nil || ready {
		return err
	}
	return j.repair()
}

func isPrepared(tx *bolt.Tx) bool {
	for _, name := range buckets() {
		if tx.Bucket([]byte(name)) == nil {
			return false
		}
	}
	return string(tx.Bucket([]byte(meta)).Get([]byte("indexed"))) == strconv.Itoa(tx.ID())
}

// repair makes the indexes anew from the records. A deployment that cannot be read goes down in history as failed, any
// other such record is dropped; Warnings names them.
func (j *Journal) repair() error {
	var losses []string
	err := j.update(func(tx *bolt.Tx) (err error) {
		for _, name := range buckets() {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		if err := tx.Bucket([]byte(meta)).Put([]byte("version"), strconv.AppendInt(nil, layout, 10)); err != nil {
			return err
		}
		losses, err = index(tx)
		return err
	})
	if err == nil {
		j.warn(losses...)
	}
	return err
}

// index makes all indexes anew and returns what it could not read.
func index(tx *bolt.Tx) (losses []string, err error) {
	owners := map[string]string{} // for records that do not say whose they are
	for k := range newest(tx, byService, nil) {
		service, id := split(k)
		owners[string(id)] = string(service)
	}
	for _, name := range []string{byService, active, steps, succeeded, judgments, delivered} {
		if err := tx.DeleteBucket([]byte(name)); err != nil {
			return nil, err
		}
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return nil, err
		}
	}
	if losses, err = indexDeployments(tx, owners); err != nil {
		return nil, err
	}
	for k, id := range newest(tx, judged, nil) {
		service, digest := split(k)
		if err := tx.Bucket([]byte(judgments)).Put(key(string(service), string(id), string(digest)), nil); err != nil {
			return nil, err
		}
	}
	dropped, err := dropUnreadable(tx)
	if err != nil {
		return nil, err
	}
	return append(losses, dropped...), indexDeliveries(tx)
}

func indexDeployments(tx *bolt.Tx, owners map[string]string) (losses []string, err error) {
	var unreadable []deployer.Deployment
	for id, raw := range newest(tx, deployments, nil) {
		d, err := decodeDeployment(id, raw)
		if err != nil {
			losses = append(losses, err.Error())
			d = lost(owners[string(id)], string(id), err)
			unreadable = append(unreadable, d)
		}
		if err := indexDeployment(tx, d); err != nil {
			return nil, err
		}
	}
	for _, d := range unreadable {
		if err := put(tx, deployments, key(d.ID), d); err != nil {
			return nil, err
		}
	}
	return losses, nil
}

// indexDeployment brings what is found by way of a deployment's state up to date.
func indexDeployment(tx *bolt.Tx, d deployer.Deployment) error {
	if err := tx.Bucket([]byte(byService)).Put(key(d.Service, d.ID), nil); err != nil {
		return err
	}
	if err := indexSteps(tx, d); err != nil {
		return err
	}
	if !d.State.Ended() {
		return tx.Bucket([]byte(active)).Put(key(d.ID), nil)
	}
	if d.State == deployer.Succeeded {
		if err := tx.Bucket([]byte(succeeded)).Put(key(d.Service, d.ID), []byte(d.Digest)); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(active)).Delete(key(d.ID))
}

// dropUnreadable drops the orders and look-ups that cannot be read.
func dropUnreadable(tx *bolt.Tx) (losses []string, err error) {
	for bucket, check := range map[string]func(k, raw []byte) error{
		orders:  func(k, raw []byte) error { _, err := decode[deployer.Order](orders, k, raw); return err },
		lookups: func(k, raw []byte) error { _, err := decodeLookup(k, raw); return err },
	} {
		var bad [][]byte
		for k, raw := range newest(tx, bucket, nil) {
			if err := check(k, raw); err != nil {
				losses, bad = append(losses, fmt.Sprintf("%v; it was dropped", err)), append(bad, k)
			}
		}
		for _, k := range bad {
			if err := tx.Bucket([]byte(bucket)).Delete(k); err != nil {
				return nil, err
			}
		}
	}
	return losses, nil
}

// indexDeliveries numbers the deliveries by age. One that cannot be read is as young as any.
func indexDeliveries(tx *bolt.Tx) error {
	var all []dated
	for k, raw := range newest(tx, deliveries, nil) {
		d, err := decode[deployer.Delivery](deliveries, k, raw)
		if err != nil {
			d.At = time.Now()
		}
		all = append(all, dated{d.At, k})
	}
	slices.SortFunc(all, func(a, b dated) int { return a.at.Compare(b.at) })
	for _, d := range all {
		if err := enqueue(tx, delivered, d.bytes()); err != nil {
			return err
		}
	}
	return nil
}
