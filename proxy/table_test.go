package proxy

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestLookingUpDoesNotAllocate(t *testing.T) {
	current := newTable(map[string]*release{})
	for i := range 50 {
		r, err := newRelease(fmt.Sprint("web", i), entry{Routes: map[string][]string{
			fmt.Sprintf("a%d.pl/", i): nil, fmt.Sprintf("a%d.pl/api", i): nil,
		}}, confirmed)
		if err != nil {
			t.Fatal(err)
		}
		current = current.with(r)
	}
	allocations := testing.AllocsPerRun(100, func() {
		var buf [maxHost]byte
		host, _ := fold(&buf, "A7.PL.:8080")
		if found, _ := current.find(host, "/api/x"); found == nil || found.prefix != "/api" {
			t.Error("not found")
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func FuzzFramingNeverSpoilsAPlainRequest(f *testing.F) {
	f.Add("body", 3)
	f.Add("\nContent-Length: 1\nTransfer-Encoding: chunked\n\n", 7)
	f.Fuzz(func(t *testing.T, body string, step int) {
		request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a.pl\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		chunked := ""
		if body != "" {
			chunked = fmt.Sprintf("POST / HTTP/1.1\r\nHost: a.pl\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
		}
		sent := request + chunked + request
		seen := []byte(sent)
		var guard framing
		for rest := seen; len(rest) > 0; {
			n := min(max(step, 1), len(rest))
			guard.inspect(rest[:n])
			rest = rest[n:]
		}
		if string(seen) != sent {
			t.Errorf("%q became %q", sent, seen)
		}
	})
}

// TestARequestThatMeetsTheEndOfTheHoldLooksAgain: it found the routes not settled, and now they are.
func TestARequestThatMeetsTheEndOfTheHoldLooksAgain(t *testing.T) {
	p, _ := begin(t, `{"version":1,"services":{"web":{"release":"1","routes":{"a.pl/":[]}}}}`, zerolog.Nop())
	p.Settle()
	r := p.table.Load().releases["web"]
	r.state = remembered
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if f := p.detain(ctx, &exchange{route: r.routes[0]}, p.table.Load(), none); f != none {
		t.Errorf("it was not let go on: fault %d", f)
	}
}
