package source

import (
	"testing"
	"time"
)

// TestAFileCountsOnceItIsLeftAlone: whoever writes slowly is waited for, whoever is done is read once.
func TestAFileCountsOnceItIsLeftAlone(t *testing.T) {
	const settle = 2 * time.Second
	half, whole, gone := stamp{size: 1}, stamp{size: 2}, stamp{trouble: "no such file"}
	type look struct {
		at   int // ms
		seen stamp
		due  bool
	}
	for name, looks := range map[string][]look{
		"what is there at first": {{0, whole, false}, {1999, whole, false}, {2000, whole, true}, {9000, whole, false}},
		"a slow writer":          {{0, half, false}, {1500, whole, false}, {3000, whole, false}, {3500, whole, true}, {4000, whole, false}},
		"written twice":          {{0, half, false}, {2000, half, true}, {2500, whole, false}, {4500, whole, true}},
		"gone and back":          {{0, whole, false}, {2000, whole, true}, {2500, gone, false}, {3000, whole, false}, {5000, whole, true}},
		"gone for good":          {{0, gone, false}, {2000, gone, true}, {4000, gone, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var s settling
			begun := time.Now()
			for _, l := range looks {
				if due := s.see(l.seen, begun.Add(time.Duration(l.at)*time.Millisecond), settle); due != l.due {
					t.Errorf("after %d ms: due %v, want %v", l.at, due, l.due)
				}
			}
		})
	}
}

// TestPausesToS3: about the usual one while all is well, and from short ones up to it after a failure.
func TestPausesToS3(t *testing.T) {
	const poll = time.Minute
	retry := time.Duration(0)
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 60, 60} {
		if retry = next(retry, poll, true); retry != want*time.Second {
			t.Errorf("after a failure the pause is %s, want %s", retry, want*time.Second)
		}
	}
	if retry = next(retry, poll, false); retry != 0 {
		t.Errorf("when it works again the pause is %s", retry)
	}
	seen := map[time.Duration]bool{}
	for range 100 {
		p := pause(poll, 0)
		if seen[p] = true; p < 54*time.Second || p > 66*time.Second {
			t.Fatalf("the pause is %s", p)
		}
	}
	if len(seen) < 50 {
		t.Errorf("100 pauses are of %d lengths", len(seen))
	}
}
