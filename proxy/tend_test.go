package proxy

import (
	"testing"
	"time"
)

// TestACAIsAskedNoMoreThanItAllows: each attempt may be two failed authorizations, of five and another one every twelve minutes.
func TestACAIsAskedNoMoreThanItAllows(t *testing.T) {
	const most, each = 5.0, 2.0
	left := most - each
	for failures := 1; failures < 20; failures++ {
		wait := (renewal{retry: time.Minute}).next(failures)
		if left = min(most, left+wait.Minutes()/12) - each; left < 0 || wait > 6*time.Hour {
			t.Errorf("after %d failures it waits for %v", failures, wait)
		}
	}
}
