package deployer

import (
	"testing"
	"time"
)

// TestPausesEndTogether: twenty lanes of an idle program wake it at few moments, and none of them later than it would.
func TestPausesEndTogether(t *testing.T) {
	begun := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	moments := map[time.Time]bool{}
	for lane := range 20 {
		now := begun.Add(time.Duration(lane) * 237 * time.Millisecond)
		for range 10 {
			next := together(now, 5*time.Second)
			if pause := next.Sub(now); pause <= 0 || pause > 5*time.Second {
				t.Fatalf("lane %d waits %s", lane, pause)
			}
			now = next.Add(3 * time.Millisecond) // a probe takes its time
		}
		moments[now] = true
	}
	if len(moments) > 2 {
		t.Errorf("they wake at %d moments: %v", len(moments), moments)
	}
	for _, short := range []time.Duration{0, 100 * time.Millisecond, time.Second} {
		if got := together(begun.Add(time.Millisecond), short).Sub(begun); got != short+time.Millisecond {
			t.Errorf("a pause of %s ends after %s", short, got)
		}
	}
}
