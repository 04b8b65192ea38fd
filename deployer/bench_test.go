package deployer_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	"fisherman/deployer/journal"
)

// BenchmarkThousandDeployments reports how much memory the deployer and its journal have come to hold by a thousand
// deployments, one after the other, on a runtime in memory. A real engine would take half an hour for them.
func BenchmarkThousandDeployments(b *testing.B) {
	j, err := journal.Open(filepath.Join(b.TempDir(), "journal.db"))
	if err != nil {
		b.Fatal(err)
	}
	fake, ended, ids := deployertest.NewFake(), make(chan deployer.Deployment, 10), 0
	d, err := deployer.New(deployer.Options{
		Services: []deployer.Service{web()}, Runtime: fake, Journal: j, Log: zerolog.Nop(),
		Traffic:  &traffic{live: map[string]string{}, routes: map[string]map[string][]string{}},
		Registry: &registry{digests: map[string]string{}, revisions: map[string]string{}, born: time.Now()},
		NewID:    func(time.Time) string { ids++; return fmt.Sprintf("%05d", ids) },
		Observers: []func(deployer.Deployment){func(d deployer.Deployment) {
			if d.State.Ended() {
				ended <- d
			}
		}},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- d.Run(ctx) }()
	deploy := func(from, to int) {
		for n := from; n <= to; n++ {
			if _, err := d.Submit(packaged(n)); err != nil {
				b.Fatal(err)
			}
			if got := <-ended; got.State != deployer.Succeeded {
				b.Fatalf("%s: %s", got.State, got.Reason)
			}
		}
		fake.Forget()
	}
	deploy(1, 100) // from here on nothing is new
	before := heap()
	deploy(101, 1100)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(heap()-before)/(1<<20), "MiB")
	stop()
	if err := <-ran; err != nil {
		b.Error(err)
	}
	if err := j.Close(); err != nil {
		b.Error(err)
	}
}

// heap is what is in use after two collections, which empty the pools.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
