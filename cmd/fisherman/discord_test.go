package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// discordStandIn takes messages as Discord does, and has what they say searched.
type discordStandIn struct {
	*httptest.Server
	angry atomic.Bool // it fails, and repeats in its answer what it was sent
	told  atomic.Int64
}

func newDiscordStandIn(t testing.TB, bot string) *discordStandIn {
	d := &discordStandIn{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen("what Discord was told", string(body))
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
