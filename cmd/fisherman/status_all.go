package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"fisherman/deployer"
	"fisherman/server"
	"fisherman/server/client"
)

// standing is a service with the deployments that are live or on their way, the newest first.
type standing struct {
	server.Service
	current []server.Deployment
}

func lookAtAll(ctx context.Context, c *client.Client) (view, error) {
	services, err := c.Services(ctx)
	if err != nil {
		return nil, err
	}
	current, err := c.Current(ctx, "")
	if err != nil {
		return nil, err
	}
	notes, err := troublesOf(ctx, c)
	if err != nil {
		return nil, err
	}
	now, rows := time.Now(), make([]standing, 0, len(services))
	for _, s := range services {
		last, err := c.Deployments(ctx, s.Name, 1)
		if err != nil {
			return nil, err
		}
		if note := newsOf(s, last, now); note != nil {
			notes = append(notes, note)
		}
		mine := slices.DeleteFunc(slices.Clone(current), func(d server.Deployment) bool { return d.Service != s.Name })
		rows = append(rows, standing{s, mine})
	}
	if len(notes) > 0 {
		notes = append([][]piece{nil}, notes...)
	}
	return func(columns int) [][]piece { return append(overview(now).lines(rows, columns), notes...) }, nil
}

// troublesOf is what is wrong with the configuration where it lives, of which the services tell nothing: they go on with the one
// before.
func troublesOf(ctx context.Context, c *client.Client) (lines [][]piece, err error) {
	is, err := c.Reconciled(ctx)
	var unknown *client.Error
	if errors.As(err, &unknown) && unknown.Status == http.StatusNotFound {
		return nil, nil // an older server
	}
	for _, trouble := range is.Troubles {
		first, rest, _ := strings.Cut(trouble, "\n")
		lines = append(lines, []piece{{red, aboutConfiguration}, {"", ": " + oneLine(first)}})
		for line := range strings.Lines(rest) {
			lines = append(lines, []piece{{"", "  " + oneLine(line)}})
		}
	}
	return lines, err
}

// newsOf is what a service's row does not tell: that the last deployment did not stay, while what ran before goes on, or that
// there has been none.
func newsOf(s server.Service, last []server.Deployment, now time.Time) []piece {
	if len(last) == 0 {
		return []piece{{yellow, oneLine(s.Name)}, {"", ": nothing has been deployed yet; push, or run `fisherman deploy " + oneLine(s.Name) + " --wait`"}}
	}
	d := last[0]
	if d.State != deployer.Failed && d.State != deployer.RolledBack {
		return nil
	}
	return []piece{
		{red, oneLine(s.Name)},
		{"", oneLine(fmt.Sprintf(": %s %s %s ago: %s", d.ID, d.State, age(*cmp.Or(d.FinishedAt, &d.CreatedAt), now), d.Reason))},
	}
}

// overview is the table of all services. Rank by rank, what is nearer to the question "is all well" stays longer.
func overview(now time.Time) table[standing] {
	return table[standing]{
		{title: "SERVICE", cell: func(s standing) string { return s.Name }, least: 12},
		{title: "STATE", cell: standing.state, colour: standing.colour},
		{title: "IMAGE", cell: func(s standing) string { return s.Image }, least: 16, tail: true, rank: 1},
		{title: "COMMIT", cell: func(s standing) string { return shortCommit(s.Commit) }, rank: 3},
		{title: "SINCE", cell: func(s standing) string { return age(since(s.live()), now) }, rank: 4},
		{title: "HEALTHY", cell: func(s standing) string { return healthy(s.Service) }},
		{title: "REQ/S", cell: func(s standing) string { return perSecond(s.Traffic) }, right: true, rank: 5},
		{title: "5XX", cell: func(s standing) string { return failing(s.Traffic) }, right: true, rank: 6},
		{title: "ROUTES", cell: func(s standing) string { return routes(s.Service) }, least: 12, rank: 2},
	}
}

func shortCommit(commit string) string { return commit[:min(7, len(commit))] }

// live is the live deployment; the zero one where there is none.
func (s standing) live() server.Deployment {
	for _, d := range s.current {
		if d.ID == s.Deployment {
			return d
		}
	}
	return server.Deployment{}
}

// coming are the deployments on their way, the one that is next first; one that bakes is that and live.
func (s standing) coming() []server.Deployment {
	all := slices.DeleteFunc(slices.Clone(s.current), func(d server.Deployment) bool { return d.State.Ended() })
	slices.Reverse(all)
	return all
}

// state says what runs and, in the deployments' own words, what is on its way.
func (s standing) state() string {
	coming := s.coming()
	running := slices.IndexFunc(coming, func(d server.Deployment) bool { return d.State != deployer.Waiting })
	switch {
	case s.State == "deploying" && running >= 0:
		return string(coming[running].State)
	case s.State != "deploying" && len(coming) > 0:
		return s.State + ", " + string(coming[0].State)
	}
	return s.State
}

func (s standing) colour() colour {
	switch s.State {
	case "running":
		return green
	case "down":
		return red
	}
	return yellow
}

// since is when the live release became live: when traffic moved to it or, where that step is not known, when its
// deployment ended.
func since(live server.Deployment) time.Time {
	for _, step := range live.Steps {
		if step.State == deployer.Draining {
			return step.At
		}
	}
	if live.FinishedAt == nil {
		return time.Time{}
	}
	return *live.FinishedAt
}

// age is how long something has been so, in its largest unit.
func age(since, now time.Time) string {
	d := max(0, now.Sub(since)) // another machine's clock may be ahead
	switch {
	case since.IsZero():
		return ""
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// healthy is how many replicas answer, of how many there are.
func healthy(s server.Service) string {
	if len(s.Replicas) == 0 {
		return ""
	}
	n := 0
	for _, r := range s.Replicas {
		if r.Healthy {
			n++
		}
	}
	return fmt.Sprintf("%d/%d", n, len(s.Replicas))
}

// perSecond is how many requests a second there were; empty where there can be none.
func perSecond(t server.Traffic) string {
	switch rate := t.RequestsPerSecond; {
	case t.WindowSeconds == 0:
		return ""
	case rate == 0:
		return "0"
	case rate < 0.1:
		return "<0.1"
	case rate < 100:
		return fmt.Sprintf("%.1f", rate)
	default:
		return fmt.Sprintf("%.0f", rate)
	}
}

// failing is the share of requests that were answered with 5xx; empty where there was none.
func failing(t server.Traffic) string {
	if t.RequestsPerSecond == 0 {
		return ""
	}
	switch share := 100 * t.ErrorsPerSecond / t.RequestsPerSecond; {
	case share == 0:
		return "0%"
	case share < 0.1:
		return "<0.1%"
	case share < 10:
		return fmt.Sprintf("%.1f%%", share)
	default:
		return fmt.Sprintf("%.0f%%", share)
	}
}

func routes(s server.Service) string {
	var all []string
	for _, r := range s.Routes {
		all = append(all, fmt.Sprintf("%s%s:%d", r.Host, r.Prefix, r.Port))
	}
	return strings.Join(all, " ")
}
