package main

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"fisherman/server/config"
	"fisherman/server/config/source"
	"fisherman/server/config/source/sourcetest"
	"fisherman/server/discord"
)

// TestTextsAreAppliedInOrder: whoever has the configuration read while an older text is still on its way is not overtaken by that.
// Mutant: Reconcile that reads before it has its turn.
func TestTextsAreAppliedInOrder(t *testing.T) {
	g := sourcetest.Start(t)
	for name, value := range g.Env() {
		t.Setenv(name, value)
	}
	g.Put("fisherman.yaml", "one")
	from, err := source.Open(g.Location("fisherman.yaml"), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var applied []string
	r := &reconciler{program: &program{settings: settings{from: from, Log: zerolog.Nop(), parse: func(raw []byte, _ files) (*config.Config, error) {
		applied = append(applied, string(raw)) // one at a time
		return nil, config.Problems{{Message: string(raw)}}
	}}}, troubles: troubles{warn: func(discord.Warning) {}, unread: map[string]string{}}}

	given, release := g.Hold()
	var asking sync.WaitGroup
	ask := func() {
		if _, err := r.Reconcile(t.Context()); !errors.As(err, new(config.Problems)) {
			t.Errorf("reconcile: %v", err)
		}
	}
	asking.Go(ask)
	<-given
	g.Put("fisherman.yaml", "two")
	second := make(chan struct{})
	asking.Go(func() { defer close(second); ask() })
	select {
	case <-second:
		t.Error("it did not wait for its turn")
	case <-time.After(200 * time.Millisecond):
	}
	release()
	asking.Wait()
	r.take(t.Context(), []byte("one")) // which somebody has been told of before all that
	if last := applied[len(applied)-1]; last != "two" || slices.Contains(applied[1:], "one") {
		t.Errorf("applied %q, in this order", applied)
	}
}
