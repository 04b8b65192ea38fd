package journal

import (
	"fmt"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
)

// Deployment returns one by id; deployer.ErrNotFound. One whose record cannot be read is not found either: the error
// tells.
func (j *Journal) Deployment(id string) (d deployer.Deployment, err error) {
	err = j.view(func(tx *bolt.Tx) error {
		raw := tx.Bucket([]byte(deployments)).Get([]byte(id))
		if raw == nil {
			return fmt.Errorf("deployment %q %w", id, deployer.ErrNotFound)
		}
		if d, err = decodeDeployment([]byte(id), raw); err != nil {
			return fmt.Errorf("deployment %q %w: %w", id, deployer.ErrNotFound, err)
		}
		return nil
	})
	return d, err
}

// Deployments lists the newest first, of one service or, with an empty name, of all. One whose record cannot be read
// is listed as failed, and its reason says so.
func (j *Journal) Deployments(service string, limit int) (list []deployer.Deployment, err error) {
	bucket, prefix := deployments, []byte(nil)
	if service != "" {
		bucket, prefix = byService, key(service, "")
	}
	err = j.view(func(tx *bolt.Tx) error {
		for id := range newest(tx, bucket, prefix) {
			if len(list) >= limit {
				break
			}
			if raw := tx.Bucket([]byte(deployments)).Get(id); raw != nil {
				d, err := decodeDeployment(id, raw)
				if err != nil {
					d = lost(service, string(id), err)
				}
				list = append(list, d)
			}
		}
		return nil
	})
	return list, err
}

// Succeeded lists the newest of a service first, only those that succeeded. One whose record cannot be read is left out.
func (j *Journal) Succeeded(service string, limit int) (list []deployer.Deployment, err error) {
	err = j.view(func(tx *bolt.Tx) error {
		for id := range newest(tx, succeeded, key(service, "")) {
			if len(list) >= limit {
				break
			}
			d, err := decodeDeployment(id, tx.Bucket([]byte(deployments)).Get(id))
			if err == nil && d.State == deployer.Succeeded {
				list = append(list, d)
			}
		}
		return nil
	})
	return list, err
}

// Judged reports whether a deployment of this digest has ended here as succeeded, failed, rolled back or superseded.
func (j *Journal) Judged(service, digest string) (found bool, err error) {
	err = j.view(func(tx *bolt.Tx) error {
		found = has(tx, judged, key(service, digest))
		return nil
	})
	return found, err
}

// Delivery returns the deployments that a delivery led to. One whose record cannot be read is known all the same: what
// it led to must not be done twice.
func (j *Journal) Delivery(repository, id string) (ids []string, known bool, err error) {
	err = j.view(func(tx *bolt.Tx) error {
		k := key(repository, id)
		raw := tx.Bucket([]byte(deliveries)).Get(k)
		if known = raw != nil; !known {
			return nil
		}
		if d, err := decode[deployer.Delivery](deliveries, k, raw); err == nil {
			ids = d.Deployments
		}
		return nil
	})
	return ids, known, err
}
