package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// discordStandIn takes messages as Discord does, and has what they say searched.
type discordStandIn struct {
	*httptest.Server
	angry atomic.Bool // it fails, and repeats in its answer what it was sent
	told  atomic.Int64

	mu     sync.Mutex // guards bodies
	bodies strings.Builder
}

// has counts how often Discord was told something.
func (d *discordStandIn) has(what string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.bodies.String(), what)
}

func newDiscordStandIn(t testing.TB, bot string) *discordStandIn {
	d := &discordStandIn{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen("what Discord was told", string(body))
		d.mu.Lock()
		fmt.Fprintf(&d.bodies, "%s %s\n", r.Method, body)
		d.mu.Unlock()
		switch {
		case d.angry.Load():
			w.WriteHeader(http.StatusInternalServerError)
			_ = r.Header.Write(w)
		case r.Header.Get("Authorization") != "Bot "+bot:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			fmt.Fprintf(w, `{"id":"%d"}`, d.told.Add(1))
		}
	}))
	t.Cleanup(d.Close)
	return d
}
