package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// watchEvery is the time between two looks.
const watchEvery = 2 * time.Second

// The terminal's other screen, on which nothing scrolls away, without a cursor; and back.
const (
	otherScreen = "\x1b[?1049h\x1b[?25l"
	firstScreen = "\x1b[?25h\x1b[?1049l"
)

// watchOn keeps showing what look sees until ctx ends. While the server is away it shows what was seen last, and says so.
func watchOn(ctx context.Context, t *terminal, look func(context.Context) (view, error)) error {
	seen, err := look(ctx)
	if err != nil {
		return err
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	_, _ = t.WriteString(otherScreen)
	defer func() { _, _ = t.WriteString(firstScreen) }()
	for at := time.Now(); ; {
		t.fill(seen, at, err)
		select {
		case <-ctx.Done():
			return nil
		case <-resized:
			continue
		case <-tick.C:
		}
		next, failed := look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case failed == nil:
			seen, at = next, time.Now()
		case !isAway(failed):
			return failed
		}
		err = failed
	}
}

// fill draws the whole screen anew, over what is there, so that nothing flickers.
func (t *terminal) fill(seen view, at time.Time, away error) {
	columns, rows := t.size()
	columns = max(1, columns-1) // beside the cursor
	lines := seen(columns)
	note := piece{faint, at.Format("15:04:05") + ", every " + watchEvery.String() + "; Ctrl-C ends it"}
	switch hidden := len(lines) - (rows - 1); {
	case hidden > 0:
		lines = lines[:rows-1]
		note = piece{yellow, fmt.Sprintf("%d more lines; enlarge the terminal, or name a service", hidden)}
	case hidden < 0:
		lines = append(lines, nil)
	}
	if away != nil {
		note = piece{red, "the server is away since " + at.Format("15:04:05") + "; trying again"}
	}
	lines = append(lines, []piece{note})
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		text, _ := t.render(line, columns)
		b.WriteString(text + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	_, _ = t.WriteString(b.String())
}
