package journal_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"fisherman/deployer/journal"
)

// BenchmarkHundredThousandDeployments replays whole deployments of ten services, and prints how large the file has
// become, how long a start takes with it and how long one Commit did. The bound is reached at about 11,000.
func BenchmarkHundredThousandDeployments(b *testing.B) {
	for b.Loop() {
		path := filepath.Join(memory(b), "journal.db")
		j, err := journal.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		l := &lives{j: journal.Unsynced(j), services: names(10), notes: 14}
		started := time.Now()
		for _, count := range []int{25_000, 25_000, 50_000} {
			l.replay(b, count)
			b.Logf("%6d deployments: %3d MiB", l.begun, size(b, path)>>20)
		}
		b.ReportMetric(float64(time.Since(started).Microseconds())/float64(l.begun*8), "µs/write")
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
		started = time.Now()
		if j, err = journal.Open(path); err != nil {
			b.Fatal(err)
		}
		opened := time.Now()
		if _, err := j.Load(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(size(b, path))/(1<<20), "MiB")
		b.ReportMetric(float64(opened.Sub(started).Microseconds())/1000, "ms/open")
		b.ReportMetric(float64(time.Since(opened).Microseconds())/1000, "ms/load")
		if told := j.Warnings(); len(told) > 0 {
			b.Error(told)
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func names(count int) []string {
	list := make([]string, count)
	for i := range list {
		list[i] = "service-" + string(rune('a'+i))
	}
	return list
}

func size(tb testing.TB, path string) int64 {
	tb.Helper()
	info, err := os.Stat(path)
	if err != nil {
		tb.Fatal(err)
	}
	return info.Size()
}
