package journal

import (
	"bytes"
	"math"
	"time"

	bolt "go.etcd.io/bbolt"
)

// surplus is what of a service may be forgotten.
type surplus struct {
	service     string
	deployments [][]byte // ids
	judgments   [][]byte // id, digest
}

func (s surplus) empty() bool { return len(s.deployments)+len(s.judgments) == 0 }

// trimNowAndThen forgets a little of a service of which a deployment has ended. To find it is to count keys, which would
// be a waste at every end.
func (j *Journal) trimNowAndThen(tx *bolt.Tx, service string) error {
	if j.ended[service]++; j.ended[service]%j.limits.every != 0 {
		return nil
	}
	return j.limits.surplus(tx, service, j.limits.step).forget(tx)
}

// surplus finds what of a service may be forgotten, at most so many of each kind.
func (l limits) surplus(tx *bolt.Tx, service string, most int) surplus {
	s, prefix := surplus{service: service}, key(service, "")
	good, digests := map[string]bool{}, map[string]bool{}
	for id, digest := range newest(tx, succeeded, prefix) {
		if len(good) == l.succeeded {
			break
		}
		good[string(id)], digests[string(digest)] = true, true
	}
	rank := 0
	for id := range newest(tx, byService, prefix) {
		if len(s.deployments) == most {
			break
		}
		if rank++; rank > l.deployments && !good[string(id)] && !has(tx, active, id) {
			s.deployments = append(s.deployments, bytes.Clone(id))
		}
	}
	rank = 0
	for k := range newest(tx, judgments, prefix) {
		if len(s.judgments) == most {
			break
		}
		id, digest := split(k)
		if rank++; rank > l.judged && !digests[string(digest)] && !has(tx, deployments, id) {
			s.judgments = append(s.judgments, bytes.Clone(k))
		}
	}
	return s
}

// forget drops it, with everything that belongs to it.
func (s surplus) forget(tx *bolt.Tx) error {
	for _, id := range s.deployments {
		of := key(s.service, string(id))
		if err := forgetSteps(tx, id); err != nil {
			return err
		}
		for bucket, k := range map[string][]byte{deployments: id, byService: of, succeeded: of, active: id, messages: id} {
			if err := tx.Bucket([]byte(bucket)).Delete(k); err != nil {
				return err
			}
		}
	}
	for _, k := range s.judgments {
		_, digest := split(k)
		if err := tx.Bucket([]byte(judged)).Delete(key(s.service, string(digest))); err != nil {
			return err
		}
		if err := tx.Bucket([]byte(judgments)).Delete(append(key(s.service, ""), k...)); err != nil {
			return err
		}
	}
	return nil
}

// tidy forgets all that may be forgotten, a batch in each transaction. Where there is nothing, nothing is written.
func (j *Journal) tidy(now time.Time) error {
	var names []string
	var old [][]byte
	err := j.view(func(tx *bolt.Tx) error {
		names = known(tx)
		old = j.limits.oldDeliveries(tx, now, math.MaxInt)
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := j.trim(name); err != nil {
			return err
		}
	}
	for len(old) > 0 {
		n := min(len(old), j.limits.batch)
		if err := j.update(func(tx *bolt.Tx) error { return forgetDeliveries(tx, old[:n]) }); err != nil {
			return err
		}
		old = old[n:]
	}
	return nil
}

// trim forgets all that may be forgotten of a service.
func (j *Journal) trim(service string) error {
	for {
		var s surplus
		err := j.view(func(tx *bolt.Tx) error {
			s = j.limits.surplus(tx, service, j.limits.batch)
			return nil
		})
		if err != nil || s.empty() {
			return err
		}
		if err := j.update(s.forget); err != nil {
			return err
		}
	}
}
