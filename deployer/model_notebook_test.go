package deployer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/journal"
)

// TestTheNotebookIsAJournal: whatever is written to both, both read the same. Mutant: put without judged.
func TestTheNotebookIsAJournal(t *testing.T) {
	disk, err := journal.Open(filepath.Join(t.TempDir(), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = disk.Close() }()
	memory, rng, tick := newNotebook(), rand.New(rand.NewPCG(1, 2)), int64(0)
	for range 200 {
		c := anyChange(rng, &tick)
		if a, b := disk.Commit(c), memory.Commit(c); a != nil || b != nil {
			t.Fatalf("commit: %v, %v", a, b)
		}
	}
	for _, read := range reads() {
		if a, b := read(disk), read(memory); !reflect.DeepEqual(a, b) {
			t.Fatalf("the disk reads    %+v\nthe notebook reads %+v", a, b)
		}
	}
}

func anyChange(rng *rand.Rand, tick *int64) deployer.Change {
	services := []string{"web", "we", "db"}
	at := time.Date(2026, 1, 1, 0, 0, rng.IntN(60), 0, time.UTC)
	states := []deployer.State{deployer.Waiting, deployer.Queued, deployer.Succeeded, deployer.Failed, deployer.Cancelled, deployer.RolledBack}
	c := deployer.Change{Orders: map[string]deployer.Order{services[rng.IntN(3)]: {{After: commit(rng.IntN(9))}}}}
	for range rng.IntN(3) {
		id := rng.IntN(60)
		*tick++
		c.Deployments = append(c.Deployments, deployer.Deployment{
			ID: fmt.Sprintf("%04d", id), Service: services[id%3], State: states[rng.IntN(len(states))], Digest: digest(rng.IntN(30)),
			CreatedAt: at, Steps: []deployer.Step{{State: deployer.Queued, At: at, Tick: *tick}}, Arrival: int64(id),
		})
	}
	if rng.IntN(2) == 0 {
		trigger := deployer.Trigger{Kind: deployer.KindPackage, Digest: digest(rng.IntN(5))}
		c.Lookups = []deployer.Lookup{{Service: services[rng.IntN(3)], Since: at, Trigger: trigger, Done: rng.IntN(3) == 0}}
		c.Delivery = &deployer.Delivery{Repository: "o/web", ID: fmt.Sprint(rng.IntN(9)), Deployments: []string{"0001"}, At: time.Now()}
	}
	return c
}

func reads() []func(deployer.Journal) []any {
	all := []func(deployer.Journal) []any{
		func(j deployer.Journal) []any { m, err := j.Load(); return []any{m, err} },
		func(j deployer.Journal) []any { d, err := j.Deployments("", 7); return []any{d, err} },
		func(j deployer.Journal) []any { d, err := j.Deployments("we", 100); return []any{d, err} },
		func(j deployer.Journal) []any { d, err := j.Succeeded("web", 3); return []any{d, err} },
		func(j deployer.Journal) []any { p, err := j.Steps(0, 1000); return []any{p, err} },
		func(j deployer.Journal) []any { p, err := j.Steps(57, 5); return []any{p, err} },
	}
	for n := range 60 {
		all = append(all, func(j deployer.Journal) []any {
			d, err := j.Deployment(fmt.Sprintf("%04d", n))
			judged, _ := j.Judged("web", digest(n))
			ids, known, _ := j.Delivery("o/web", fmt.Sprint(n))
			return []any{d, errors.Is(err, deployer.ErrNotFound), judged, ids, known}
		})
	}
	return all
}
