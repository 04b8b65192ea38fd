package deployer_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fisherman/deployer"
)

// TestModel plays random sequences of events, faults, restarts, kills and clock jumps against the state machine, each on virtual time,
// and checks what must be so at any moment (model_watch_test.go), at the end (model_settled_test.go) and of the whole
// history (model_invariants_test.go).
//
// FISHERMAN_MODEL_RUNS says how many, FISHERMAN_MODEL_SEED which is the first: `make model` plays thousands. With FISHERMAN_MODEL_ON=1 it
// goes on after a failure, with FISHERMAN_MODEL_WHOLE=1 it shows one as it is and not shortened. A seed makes the sequence; goroutines that
// are due in the same instant still run in any order, so a failure may need -count=20 to come again. The seed of a panic
// is a label of its goroutine: GODEBUG=tracebacklabels=1 prints it.
func TestModel(t *testing.T) {
	runs, first := number(t, "FISHERMAN_MODEL_RUNS", 500), number(t, "FISHERMAN_MODEL_SEED", 1)
	t.Logf("seeds %d to %d", first, first+runs-1)
	const parts = 4
	for part := range parts {
		t.Run(fmt.Sprint("part ", part), func(t *testing.T) {
			t.Parallel()
			for seed := first + part; seed < first+runs; seed += parts {
				if !holds(t, uint64(seed)) && os.Getenv("FISHERMAN_MODEL_ON") == "" {
					return
				}
			}
		})
	}
}

func number(t *testing.T, variable string, otherwise int) int {
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// outcome is what became of some moves of a sequence.
type outcome struct {
	kept   []int
	wrongs []string
	trace  func() string
}

// holds plays a seed. A sequence that breaks an invariant is shortened before it is shown.
func holds(t *testing.T, seed uint64) bool {
	_, moves := sequence(seed)
	o := play(t, seed, every(moves))
	if len(o.wrongs) == 0 {
		return true
	}
	if os.Getenv("FISHERMAN_MODEL_WHOLE") == "" {
		o = shortened(t, seed, o)
	}
	var text []string
	for _, i := range o.kept {
		text = append(text, fmt.Sprintf("%2d  %s, then %s", i, moves[i].text, moves[i].wait))
	}
	t.Errorf("seed %d:\n%s\n\nafter\n%s\n\nwhat happened:\n%s", seed, strings.Join(o.wrongs, "\n"), strings.Join(text, "\n"), o.trace())
	return false
}

func every(moves []move) []int {
	kept := make([]int, len(moves))
	for i := range kept {
		kept[i] = i
	}
	return kept
}

// play runs some moves of a seed's sequence in a bubble of its own.
func play(t *testing.T, seed uint64, kept []int) outcome {
	o := outcome{kept: kept}
	watchdog := time.AfterFunc(time.Minute, func() { panic(fmt.Sprintf("seed %d makes no progress", seed)) })
	defer watchdog.Stop()
	services, moves := sequence(seed)
	some := make([]move, len(kept))
	for i, n := range kept {
		some[i] = moves[n]
	}
	pprof.Do(t.Context(), pprof.Labels("seed", strconv.FormatUint(seed, 10)), func(context.Context) {
		synctest.Test(t, func(*testing.T) { o.wrongs, o.trace = run(seed, services, some) })
	})
	return o
}

// shortened leaves out what the failure does not need, first in large pieces, then move by move.
func shortened(t *testing.T, seed uint64, o outcome) outcome {
	for size := len(o.kept) / 2; size > 0; size /= 2 {
		for at := 0; at < len(o.kept); {
			fewer := slices.Concat(o.kept[:at], o.kept[min(at+size, len(o.kept)):])
			if without := play(t, seed, fewer); len(without.wrongs) > 0 {
				o = without
			} else {
				at += size
			}
		}
	}
	return o
}

// run plays a sequence and returns what went wrong and what happened.
func run(seed uint64, services []deployer.Service, moves []move) (wrongs []string, trace func() string) {
	life, end := context.WithCancel(context.Background())
	w := newWorld(seed, life, services)
	w.begin()
	w.pass(time.Millisecond)
	for i, m := range moves {
		w.record(fact{what: step, text: fmt.Sprintf("%d: %s", i, m.text)})
		m.do(w)
		w.pass(m.wait)
		w.watch()
	}
	w.finish(seed%16 != 0)
	w.process.end()
	end()
	synctest.Wait()
	for _, name := range slices.Sorted(maps.Keys(invariants())) {
		for _, why := range invariants()[name](w.facts, w.cast) {
			w.wrong("%s: %s", name, why)
		}
	}
	return w.wrongs, w.trace
}
