package proxy

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// BenchmarkLookUp compares, turn by turn, what it costs to find a route among ten and among ten thousand.
func BenchmarkLookUp(b *testing.B) {
	const rounds, round = 1001, 2000
	few, many := tableOf(b, 10), tableOf(b, 10_000)
	var fewTook, manyTook []time.Duration
	for range rounds {
		fewTook = append(fewTook, lookUp(b, few, 1, round))
		manyTook = append(manyTook, lookUp(b, many, 1000, round))
	}
	slices.Sort(fewTook)
	slices.Sort(manyTook)
	least, most := float64(fewTook[rounds/2]), float64(manyTook[rounds/2])
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(least/round, "few-ns")
	b.ReportMetric(most/round, "many-ns")
	b.ReportMetric(most/least, "ratio")
	b.ReportMetric(testing.AllocsPerRun(1000, func() { lookUp(b, many, 1000, 1) }), "allocs")
}

// tableOf has a service and a host for each route.
func tableOf(b *testing.B, routes int) *table {
	releases := map[string]*release{}
	for i := range routes {
		name := fmt.Sprint("web", i)
		r, err := newRelease(name, entry{Routes: map[string][]string{host(i) + "/": nil}}, confirmed)
		if err != nil {
			b.Fatal(err)
		}
		releases[name] = r
	}
	return newTable(releases)
}

func host(i int) string { return fmt.Sprintf("app%05d.example.com", i) }

// lookUp finds ten routes, a stride apart, again and again.
func lookUp(b *testing.B, in *table, stride, times int) time.Duration {
	var asked [10]string
	for i := range asked {
		asked[i] = fieldOf[i*stride]
	}
	var buf [maxHost]byte
	begun := time.Now()
	for i := range times {
		name, _ := fold(&buf, asked[i%len(asked)])
		if found, _ := in.find(name, "/some/path"); found == nil {
			b.Fatal("not found")
		}
	}
	return time.Since(begun)
}

// fieldOf is what the Host fields of all routes are.
var fieldOf = func() (fields [10_000]string) {
	for i := range fields {
		fields[i] = host(i)
	}
	return fields
}()
