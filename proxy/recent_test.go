package proxy

import (
	"testing"
	"time"
)

// TestTrafficLooksBackFiveMinutes, or to the service's beginning.
func TestTrafficLooksBackFiveMinutes(t *testing.T) {
	begin := time.Now()
	r := newRecent(begin)
	expect := func(after time.Duration, want Traffic) {
		t.Helper()
		if got := r.traffic(begin.Add(after)); got != want {
			t.Errorf("after %s: %+v, want %+v", after, got, want)
		}
	}
	expect(0, Traffic{})
	for range 100 {
		r.count(true)
	}
	expect(3*time.Second, Traffic{100, 100, 3 * time.Second})
	for after := trafficTick; after <= 20*time.Minute; after += trafficTick {
		r.sample(begin.Add(after))
		if after == 10*time.Minute {
			r.count(false)
		}
	}
	expect(20*time.Minute, Traffic{0, 0, 5 * time.Minute})
	r.count(false)
	expect(20*time.Minute+time.Second, Traffic{1, 0, 5*time.Minute + time.Second})
	if n := len(r.samples); n > 32 {
		t.Errorf("it remembers %d samples", n)
	}
}

// TestTrafficHalfCounted: a sample may fall between the two counts of an answer.
func TestTrafficHalfCounted(t *testing.T) {
	begin := time.Now()
	r := newRecent(begin)
	r.all.Add(1)
	for after := trafficTick; after <= trafficWindow; after += trafficTick {
		r.sample(begin.Add(after))
	}
	r.failed.Add(1)
	if got := r.traffic(begin.Add(trafficWindow)); got.Failed > got.All {
		t.Errorf("%+v", got)
	}
}
