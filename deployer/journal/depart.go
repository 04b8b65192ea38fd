package journal

import (
	"bytes"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Configured tells which services there are. What belongs to one that has left the configuration is forgotten 30 days
// after the first start without it: until then it may come back to its history, its order of pushes and its judged
// digests. It is to be called once a start; a journal that is never told forgets no service.
func (j *Journal) Configured(services []string) error {
	now := time.Now()
	var back, gone, forgotten []string
	err := j.view(func(tx *bolt.Tx) error {
		for _, name := range known(tx) {
			since := tx.Bucket([]byte(departed)).Get([]byte(name))
			at, err := time.Parse(time.RFC3339, string(since))
			switch configured := slices.Contains(services, name); {
			case configured && since != nil:
				back = append(back, name)
			case configured:
			case since == nil || err != nil:
				gone = append(gone, name)
			case now.Sub(at) > j.limits.departed:
				forgotten = append(forgotten, name)
			}
		}
		return nil
	})
	if err == nil && len(back)+len(gone) > 0 {
		err = j.update(func(tx *bolt.Tx) error { return markDeparted(tx, back, gone, now) })
	}
	for _, name := range forgotten {
		for done := false; err == nil && !done; {
			err = j.update(func(tx *bolt.Tx) (err error) {
				done, err = forgetService(tx, name, j.limits.batch)
				return err
			})
		}
	}
	return err
}

// known are the services of which anything is known, each once.
func known(tx *bolt.Tx) []string {
	var names []string
	for _, bucket := range []string{byService, judgments, orders, lookups, departed} {
		names = append(names, services(tx, bucket)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func markDeparted(tx *bolt.Tx, back, gone []string, now time.Time) error {
	b := tx.Bucket([]byte(departed))
	for _, name := range back {
		if err := b.Delete([]byte(name)); err != nil {
			return err
		}
	}
	for _, name := range gone {
		if err := b.Put([]byte(name), now.AppendFormat(nil, time.RFC3339)); err != nil {
			return err
		}
	}
	return nil
}

// forgetService forgets a service, in steps; done tells that nothing is left of it.
func forgetService(tx *bolt.Tx, name string, most int) (done bool, err error) {
	s, prefix := surplus{service: name}, key(name, "")
	for id := range newest(tx, byService, prefix) {
		if len(s.deployments) < most {
			s.deployments = append(s.deployments, bytes.Clone(id))
		}
	}
	for k := range newest(tx, judgments, prefix) {
		if len(s.judgments) < most {
			s.judgments = append(s.judgments, bytes.Clone(k))
		}
	}
	if !s.empty() {
		return false, s.forget(tx)
	}
	var promised [][]byte
	for k := range newest(tx, lookups, prefix) {
		promised = append(promised, append(key(name, ""), k...))
	}
	for _, k := range promised {
		if err := tx.Bucket([]byte(lookups)).Delete(k); err != nil {
			return false, err
		}
	}
	for _, bucket := range []string{orders, departed} {
		if err := tx.Bucket([]byte(bucket)).Delete([]byte(name)); err != nil {
			return false, err
		}
	}
	return true, nil
}
