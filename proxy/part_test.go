package proxy

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// willing ends when it is asked to, and says when that was.
type willing struct {
	leave func()
	asked chan<- time.Time
}

func (w willing) part(<-chan struct{}) {
	w.asked <- time.Now()
	w.leave()
}

func (w willing) said() bool { return true }

// TestPartingsAreSpreadEvenlyOverTheLastSecond, by the clock, with members that leave at once.
func TestPartingsAreSpreadEvenlyOverTheLastSecond(t *testing.T) {
	for name, c := range map[string]struct {
		within func(context.Context) (context.Context, context.CancelFunc)
		first  time.Duration
		apart  time.Duration
	}{
		"with a deadline": {
			func(parent context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(parent, 30*time.Second)
			},
			29 * time.Second, 50 * time.Millisecond,
		},
		"with less than a second": {
			func(parent context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(parent, 400*time.Millisecond)
			},
			0, 20 * time.Millisecond,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const members = 20
				asked := make(chan time.Time, members)
				f := flightOf(members, asked)
				begun := time.Now()
				ctx, cancel := c.within(t.Context())
				defer cancel()
				if cut := f.drain(ctx, nil); cut != 0 {
					t.Errorf("cut %d", cut)
				}
				for i := range members {
					if got, want := (<-asked).Sub(begun), c.first+time.Duration(i)*c.apart; got != want {
						t.Errorf("number %d was asked after %v, want %v", i, got, want)
					}
				}
			})
		})
	}
}

// flightOf is a flight that nobody joins any more.
func flightOf(members int, asked chan<- time.Time) *flight {
	f, r := newFlight(), &release{}
	f.hand(r)
	for range members {
		x := &exchange{}
		f.join(x, r)
		f.become(x, willing{func() { f.leave(x) }, asked})
	}
	f.hand(nil)
	return f
}

// TestACancelledDrainLeavesEverythingAsItIs: whoever waited for it has other plans.
func TestACancelledDrainLeavesEverythingAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan time.Time, 1)
		f := flightOf(1, asked)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		time.AfterFunc(5*time.Second, cancel)
		if cut := f.drain(ctx, nil); cut != 0 || len(asked) > 0 || len(f.members) != 1 {
			t.Errorf("cut %d, asked %d, left %d", cut, len(asked), len(f.members))
		}
	})
}
