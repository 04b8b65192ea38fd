package main

import (
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/server"
)

// TestATableFitsEveryWidth: nothing wraps however narrow, and what is left out comes back with the room for it.
func TestATableFitsEveryWidth(t *testing.T) {
	rows := []standing{{Service: server.Service{
		Name: "blackboards", State: "running", Image: "ghcr.io/alexander-jackson/blackboards:latest", Commit: strings.Repeat("a1b2c3d", 6),
		Routes: []server.ServiceRoute{{Host: "blackboards.pl", Prefix: "/", Port: 8080}, {Host: "www.blackboards.pl", Prefix: "/", Port: 8080}},
	}}}
	shown := func(columns int) (text string) {
		var plain *terminal
		for _, line := range overview(time.Now()).lines(rows, columns) {
			one, width := plain.render(line, columns)
			if columns > 0 && width > columns {
				t.Errorf("%q takes %d of %d columns", one, width, columns)
			}
			text += one + "\n"
		}
		return text
	}
	for columns := 1; columns <= 200; columns++ {
		if text := shown(columns); columns > 30 && !strings.Contains(text, "STATE") {
			t.Errorf("in %d columns:\n%s", columns, text)
		}
	}
	for columns, wants := range map[int][]string{
		0:   {"ghcr.io/alexander-jackson/blackboards:latest", "blackboards.pl/:8080 www.blackboards.pl/:8080"},
		160: {"ghcr.io/alexander-jackson/blackboards:latest", "blackboards.pl/:8080 www.blackboards.pl/:8080"},
		110: {"…alexander-jackson/blackboards:latest  a1b2c3d", "blackboards…\n"},
		60:  {"SERVICE      STATE    COMMIT   SINCE  HEALTHY  REQ/S  5XX\n"},
	} {
		for _, want := range wants {
			if text := shown(columns); !strings.Contains(text, want) {
				t.Errorf("in %d columns there is no %q:\n%s", columns, want, text)
			}
		}
	}
}

// TestWhatFailedSaysWhyHoweverNarrow: the id gives way to the reason down to what a command still takes, and what does not
// fit at all leaves out what is least.
func TestWhatFailedSaysWhyHoweverNarrow(t *testing.T) {
	now := time.Now()
	failed := server.Deployment{
		ID: "01M8BSY654Y6BRZBXG1JWTGATP", Service: "web", State: deployer.Failed, Image: "o/web:latest", Commit: strings.Repeat("a", 40),
		Trigger: server.Trigger{Kind: deployer.KindPackage, Sender: "octocat"}, CreatedAt: now.Add(-time.Minute), FinishedAt: &now,
		Reason: "web-1 exited with code 3 after 0.0s; its last lines:\nno database",
	}
	var plain *terminal
	for columns, wants := range map[int][]string{
		0:  {"01M8BSY654Y6BRZBXG1JWTGATP", "package by octocat", "its last lines: no database"},
		80: {"…G1JWTGATP", "web-1 exited with code 3 after 0.0", "aaaaaaa"},
		48: {"…G1JWTGATP", "web-1 exited"},
	} {
		for name, of := range map[string]table[server.Deployment]{"history": past(now), "status": deployments(now)} {
			text, _ := plain.render(of.lines([]server.Deployment{failed}, columns)[1], columns)
			for _, want := range wants {
				if !strings.Contains(text, want) {
					t.Errorf("%s in %d columns: %q, want %q", name, columns, text, want)
				}
			}
		}
	}
}

func TestStatusTellsOfAServiceWhoseLastDeploymentFailed(t *testing.T) {
	now := time.Now()
	ended := func(s deployer.State) []server.Deployment {
		at := now.Add(-3 * time.Minute)
		return []server.Deployment{{ID: "01A", Service: "web", State: s, CreatedAt: at.Add(-time.Hour), FinishedAt: &at, Reason: "web-0 exited:\nno \x1bdatabase"}}
	}
	for want, last := range map[string][]server.Deployment{
		"": ended(deployer.Cancelled),
		"web: 01A failed 3m ago: web-0 exited: no \\x1bdatabase":                         ended(deployer.Failed),
		"web: 01A rolled_back 3m ago: web-0 exited: no \\x1bdatabase":                    ended(deployer.RolledBack),
		"web: nothing has been deployed yet; push, or run `fisherman deploy web --wait`": nil,
	} {
		var plain *terminal
		if got, _ := plain.render(newsOf(server.Service{Name: "web"}, last, now), 0); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

func TestFigures(t *testing.T) {
	for _, c := range []struct {
		requests, errors float64
		window           int
		rate, share      string
	}{
		{0, 0, 0, "", ""},
		{0, 0, 300, "0", ""},
		{0.003, 0.003, 300, "<0.1", "100%"},
		{12.345, 0, 300, "12.3", "0%"},
		{1234.5, 0.5, 300, "1234", "<0.1%"},
		{100, 9.94, 300, "100", "9.9%"},
		{100, 50, 300, "100", "50%"},
	} {
		traffic := server.Traffic{RequestsPerSecond: c.requests, ErrorsPerSecond: c.errors, WindowSeconds: c.window}
		if rate, share := perSecond(traffic), failing(traffic); rate != c.rate || share != c.share {
			t.Errorf("%+v is shown as %q and %q, want %q and %q", traffic, rate, share, c.rate, c.share)
		}
	}
}
