package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fisherman/deployer"
	"fisherman/server"
)

// TestPlainLinesDoNotRepeatNumbers: a pull that tells four times a second does not flood a log, and neither do
// replicas that answer health checks alike, in turn; an answer that is new is shown.
func TestPlainLinesDoNotRepeatNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		show := newDisplay(&out, server.Deployment{ID: "01A", Service: "web", Image: "o/web:latest"})
		defer show.close()
		for _, p := range []server.Progress{
			{State: deployer.Pulling, Text: "pulled 1.2MB of 9MB", Done: 12, Total: 90},
			{State: deployer.Pulling, Text: "pulled 1.3MB of 9MB", Done: 13, Total: 90},
			{State: deployer.Pulling, Text: "the registry is slow; trying again"},
			{State: deployer.Verifying, Text: "web-0: it answers 500", Total: 4},
			{State: deployer.Verifying, Text: "web-0: it answers 503", Total: 4},
			{State: deployer.Verifying, Text: "web-1: it answers 503", Total: 4},
			{State: deployer.Verifying, Text: "web-0: it answers 503", Total: 4},
			{State: deployer.Verifying, Text: "web-1: it answers 503", Total: 4},
			{State: deployer.Verifying, Text: "web-1 is well", Done: 1, Total: 4},
			{State: deployer.Verifying, Text: "web-1 is well", Done: 2, Total: 4},
		} {
			show.progress(p)
		}
		time.Sleep(numbersEvery)
		show.progress(server.Progress{State: deployer.Verifying, Text: "web-0: it answers 503", Total: 4})
		want := []string{
			"deployment 01A of web: o/web:latest", "pulled 1.2MB of 9MB (13 %)", "the registry is slow; trying again",
			"0 of 4 good answers; web-0: it answers 500", "0 of 4 good answers; web-0: it answers 503",
			"0 of 4 good answers; web-1: it answers 503", "1 of 4 good answers; web-1 is well", "2 of 4 good answers; web-1 is well",
			"0 of 4 good answers; web-0: it answers 503",
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		for i, line := range lines {
			if i >= len(want) || !strings.HasSuffix(line, want[i]) {
				t.Errorf("line %d is %q", i, line)
			}
		}
		if len(lines) != len(want) {
			t.Errorf("%d lines, want %d", len(lines), len(want))
		}
	})
}
