package main

import (
	"testing"
	"time"
)

func TestIDsSortByTheirMoments(t *testing.T) {
	at := time.Now()
	last := newID(at)
	for i := range 1000 {
		at = at.Add(time.Duration(i%2) * time.Millisecond)
		id := newID(at)
		if id <= last {
			t.Fatalf("%s comes after %s", id, last)
		}
		last = id
	}
}
