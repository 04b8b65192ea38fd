package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"fisherman/deployer"
	"fisherman/deployer/journal"
	"fisherman/server/config"
	"fisherman/server/discord"
)

// TestDiscordIsReplacedWhileItIsTold: what the one before was told it tells, what comes later is told by the other one.
func TestDiscordIsReplacedWhileItIsTold(t *testing.T) {
	kept, err := journal.Open(t.TempDir() + "/journal.db")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kept.Close() }()
	one, two := newDiscordStandIn(t, "bot-1"), newDiscordStandIn(t, "bot-2")
	o := newOutlet(func(c config.Discord) (*discord.Notifier, error) {
		return discord.New(discord.Options{Token: c.Token, ChannelID: c.ChannelID, API: c.API, Store: kept, Log: zerolog.Nop()})
	})
	to := func(token, channel, api string) *config.Discord {
		return &config.Discord{Token: deployer.Plain(token), ChannelID: channel, API: api}
	}
	tell := func(n int) { o.Warn(discord.Warning{About: fmt.Sprintf("thing %d", n), Reason: "bad", At: time.Now()}) }
	set := func(c *config.Discord) {
		t.Helper()
		if err := o.set(c); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- o.Run(ctx) }()

	tell(0) // to nobody
	set(to("bot-1", "1", one.URL))
	for n := range 3 {
		tell(1 + n)
	}
	set(to("bot-2", "2", two.URL))
	tell(4)
	if err := o.set(to("bot-3", "general", two.URL)); err == nil {
		t.Error("a channel that is none was taken")
	}
	tell(5)
	set(nil)
	tell(6)
	set(to("bot-1", "1", one.URL))
	tell(7)
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	for n, want := range [][2]int{{0, 0}, {1, 0}, {1, 0}, {1, 0}, {0, 1}, {0, 1}, {0, 0}, {1, 0}} {
		text := fmt.Sprintf("thing %d: needs attention", n)
		if got := [2]int{one.has(text), two.has(text)}; got != want {
			t.Errorf("%q was told %v times, want %v", text, got, want)
		}
	}
}
