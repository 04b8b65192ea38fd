package journal

import (
	"encoding/binary"
	"slices"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
)

// tickKey sorts by tick.
func tickKey(tick int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(tick)) }

// indexSteps indexes those steps of a deployment that are not yet: the last ones.
func indexSteps(tx *bolt.Tx, d deployer.Deployment) error {
	for _, s := range slices.Backward(d.Steps) {
		if s.Tick <= 0 || has(tx, steps, tickKey(s.Tick)) {
			return nil
		}
		if err := tx.Bucket([]byte(steps)).Put(tickKey(s.Tick), []byte(d.ID)); err != nil {
			return err
		}
	}
	return nil
}

// forgetSteps drops the steps of a deployment that is about to be forgotten. Of one that cannot be read they stay, and
// lead nowhere.
func forgetSteps(tx *bolt.Tx, id []byte) error {
	d, err := decodeDeployment(id, tx.Bucket([]byte(deployments)).Get(id))
	if err != nil {
		return nil //nolint:nilerr // what cannot be read is to be forgotten all the more
	}
	for _, s := range d.Steps {
		if err := tx.Bucket([]byte(steps)).Delete(tickKey(s.Tick)); err != nil {
			return err
		}
	}
	return nil
}

// Steps lists the steps of all deployments with a Tick after this one, the lowest first. Those of a deployment whose
// record cannot be read, or that an older fisherman has written since, are left out.
func (j *Journal) Steps(after int64, limit int) (list []deployer.Passed, err error) {
	err = j.view(func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(steps)).Cursor()
		for k, id := c.Seek(tickKey(after + 1)); k != nil && len(list) < limit; k, id = c.Next() {
			d, err := decodeDeployment(id, tx.Bucket([]byte(deployments)).Get(id))
			if err != nil {
				continue
			}
			tick := int64(binary.BigEndian.Uint64(k))
			if i := slices.IndexFunc(d.Steps, func(s deployer.Step) bool { return s.Tick == tick }); i >= 0 {
				list = append(list, deployer.Passed{Deployment: d, Step: i})
			}
		}
		return nil
	})
	return list, err
}
