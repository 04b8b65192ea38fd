package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"fisherman/server"
	"fisherman/server/client"
)

// lastDeployments is how many of them a service's status shows.
const lastDeployments = 5

func lookAtOne(ctx context.Context, c *client.Client, name string) (view, error) {
	service, err := c.Service(ctx, name)
	if err != nil {
		return nil, err
	}
	current, err := c.Current(ctx, name)
	if err != nil {
		return nil, err
	}
	last, err := c.Deployments(ctx, name, lastDeployments)
	if err != nil {
		return nil, err
	}
	now, s := time.Now(), standing{service, current}
	return func(columns int) [][]piece {
		lines := s.summary(now)
		if len(s.Replicas) > 0 {
			lines = append(append(lines, nil), replicas().lines(s.Replicas, columns)...)
		}
		if len(last) > 0 {
			lines = append(append(lines, nil), deployments(now).lines(last, columns)...)
		}
		return lines
	}, nil
}

// summary is what there is to know of a service in a line each.
func (s standing) summary(now time.Time) [][]piece {
	lines := [][]piece{{{bold, oneLine(s.Name)}, {"", "  "}, {s.colour(), oneLine(s.state())}}}
	add := func(name, text string) {
		lines = append(lines, []piece{{faint, fmt.Sprintf("  %-11s", name)}, {"", cmp.Or(oneLine(text), "-")}})
	}
	live := s.live()
	add("image", s.Image)
	add("digest", s.Digest)
	add("commit", s.Commit)
	add("deployment", s.Deployment+by(live.Trigger))
	if at := since(live); !at.IsZero() {
		add("since", fmt.Sprintf("%s (%s)", at.Local().Format("2006-01-02 15:04:05"), age(at, now)))
	}
	add("traffic", traffic(s.Traffic))
	for _, r := range s.Routes {
		add("route", fmt.Sprintf("%s%s to port %d", r.Host, r.Prefix, r.Port))
	}
	for _, d := range s.coming() {
		entered := d.CreatedAt
		if n := len(d.Steps); n > 0 {
			entered = d.Steps[n-1].At
		}
		add("on its way", fmt.Sprintf("%s %s for %s%s", d.ID, d.State, age(entered, now), by(d.Trigger)))
	}
	return lines
}

// by says who or what asked for a deployment, behind what else there is to say of it.
func by(t server.Trigger) string {
	if t.Kind == "" {
		return ""
	}
	return ", " + cause(t)
}

func cause(t server.Trigger) string {
	if t.Sender == "" {
		return string(t.Kind)
	}
	return fmt.Sprintf("%s by %s", t.Kind, t.Sender)
}

// traffic is a service's figures in words.
func traffic(t server.Traffic) string {
	if t.WindowSeconds == 0 {
		return ""
	}
	text := perSecond(t) + " requests/s"
	if share := failing(t); share != "" {
		text += ", " + share + " of them 5xx"
	}
	now := time.Now()
	return fmt.Sprintf("%s, in the last %s", text, age(now.Add(-time.Duration(t.WindowSeconds)*time.Second), now))
}

func replicas() table[server.Replica] {
	return table[server.Replica]{
		{title: "REPLICA", cell: func(r server.Replica) string { return r.Container[:min(12, len(r.Container))] }},
		{title: "ADDRESS", cell: func(r server.Replica) string { return r.Address }},
		{title: "HEALTH", cell: health, colour: func(r server.Replica) colour {
			if r.Healthy {
				return green
			}
			return red
		}},
	}
}

func health(r server.Replica) string {
	switch {
	case r.Healthy:
		return "healthy"
	case r.Address == "":
		return "down"
	}
	return "unhealthy"
}

// deployments is the table of a service's past and present ones. Where there is little room, it says what ended how, and
// why.
func deployments(now time.Time) table[server.Deployment] {
	return table[server.Deployment]{
		// Its end is all that a command needs to find it: other columns need the room more.
		{title: "DEPLOYMENT", cell: func(d server.Deployment) string { return d.ID }, least: 10, tail: true, yields: true},
		{title: "STATE", cell: func(d server.Deployment) string { return string(d.State) }, colour: stateColour},
		{title: "COMMIT", cell: func(d server.Deployment) string { return shortCommit(d.Commit) }, rank: 4},
		{title: "CAUSE", cell: func(d server.Deployment) string { return cause(d.Trigger) }, least: 8, rank: 1},
		{title: "AGE", cell: func(d server.Deployment) string { return age(d.CreatedAt, now) }, rank: 5},
		{title: "TOOK", cell: lasted, rank: 3},
		{title: "REASON", cell: func(d server.Deployment) string { return d.Reason }, least: 34},
	}
}

func stateColour(d server.Deployment) colour {
	if !d.State.Ended() {
		return yellow
	}
	return markOf(d).colour
}

func lasted(d server.Deployment) string {
	if d.FinishedAt == nil {
		return ""
	}
	return seconds(d.FinishedAt.Sub(d.CreatedAt))
}
