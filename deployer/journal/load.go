package journal

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
)

// Load returns what was promised and is not done, and forgets what the journal's bounds let go of. A record that cannot
// be read is left out, repaired away and told of in Warnings: it does not stop the start.
func (j *Journal) Load() (deployer.Memory, error) {
	m, sound, err := j.recall()
	if err != nil {
		return m, err
	}
	if !sound {
		if err := j.repair(); err != nil {
			j.warn(fmt.Sprintf("records of the journal are damaged and cannot be repaired now: %v; trying again at the next start", err))
		} else if m, _, err = j.recall(); err != nil {
			return m, err
		}
	}
	if err := j.tidy(time.Now()); err != nil {
		j.warn(fmt.Sprintf("cannot forget what is old, so the journal may grow: %v; trying again as deployments end", err))
	}
	return m, nil
}

// recall reads what Load returns. sound is false when there was something that could not be read.
func (j *Journal) recall() (m deployer.Memory, sound bool, err error) {
	m.Orders, sound = map[string]deployer.Order{}, true
	err = j.view(func(tx *bolt.Tx) error {
		m.Arrival, _ = strconv.ParseInt(string(tx.Bucket([]byte(meta)).Get([]byte("arrival"))), 10, 64)
		for id := range newest(tx, active, nil) {
			d, err := decodeDeployment(id, tx.Bucket([]byte(deployments)).Get(id))
			if err != nil || d.State.Ended() {
				sound = false
				continue
			}
			m.Active = append(m.Active, d)
		}
		for k, raw := range newest(tx, orders, nil) {
			o, err := decode[deployer.Order](orders, k, raw)
			if err != nil {
				sound = false
				continue
			}
			m.Orders[string(k)] = o
		}
		for k, raw := range newest(tx, lookups, nil) {
			l, err := decodeLookup(k, raw)
			if err != nil {
				sound = false
				continue
			}
			m.Lookups = append(m.Lookups, l)
		}
		return nil
	})
	slices.Reverse(m.Lookups)
	slices.SortFunc(m.Active, func(a, b deployer.Deployment) int {
		return cmp.Or(cmp.Compare(a.Arrival, b.Arrival), cmp.Compare(a.ID, b.ID))
	})
	return m, sound, err
}
