package journal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/journal"
)

// lives replays whole deployments of services, as a deployer commits them.
type lives struct {
	j        *journal.Journal
	services []string
	begun    int
	notes    int // of each deployment
}

// id is in the order of time, like the real ones.
func (l *lives) id(n int) string { return fmt.Sprintf("01J%023d", n) }

func (l *lives) service(n int) string { return l.services[n%len(l.services)] }

func (l *lives) digest(n int) string { return "sha256:" + strings.Repeat(fmt.Sprintf("%08x", n), 8) }

// outcome is how the n-th one ends: four in five succeed.
func (l *lives) outcome(n int) deployer.State {
	if (n/len(l.services))%5 == 4 {
		return deployer.Failed
	}
	return deployer.Succeeded
}

// live replays one deployment, the delivery that led to it included, and returns it.
func (l *lives) live(now time.Time) (deployer.Deployment, error) {
	n := l.begun
	l.begun++
	d := deployer.Deployment{
		ID: l.id(n), Service: l.service(n), Image: "ghcr.io/octo-organisation/" + l.service(n), Reference: "latest", Digest: l.digest(n),
		Commit: fmt.Sprintf("%040x", n), Repository: "octo-organisation/" + l.service(n), Message: "Change what the front page says of it",
		Author: "Octo Cat", Cause: deployer.Cause{Kind: deployer.KindPackage, Delivery: guid(n), Sender: "octocat"},
		CreatedAt: now, Spec: strings.Repeat("5", 64), Arrival: int64(n + 1), Notes: []deployer.Note{},
	}
	order := deployer.Order{}
	for i := range min(n, 50) {
		order = append(order, deployer.Link{Before: fmt.Sprintf("%040x", n-i-1), After: fmt.Sprintf("%040x", n-i)})
	}
	states := []deployer.State{
		deployer.Queued, deployer.Pulling, deployer.Starting, deployer.Verifying, deployer.Switching, deployer.Draining, l.outcome(n),
	}
	for i, s := range states {
		d.State = s
		d.Steps = append(d.Steps, deployer.Step{State: s, At: now})
		for range l.notes / len(states) {
			d.Notes = append(d.Notes, deployer.Note{At: now, Text: "replica 1 of 2 answers at 172.18.0.3:8080, after 3 tries: connection refused"})
		}
		c := deployer.Change{Deployments: []deployer.Deployment{d}}
		if i == 0 {
			c.Delivery = &deployer.Delivery{Repository: d.Repository, ID: d.Cause.Delivery, Deployments: []string{d.ID}, At: now}
			c.Orders = map[string]deployer.Order{d.Service: order}
		}
		if d.State.Ended() {
			d.FinishedAt, c.Deployments[0].FinishedAt = now, now
		}
		if err := l.j.Commit(c); err != nil {
			return d, err
		}
	}
	return d, l.j.SetMessage(d.ID, fmt.Sprintf("10432109876543210%08d", n))
}

func guid(n int) string { return fmt.Sprintf("72d3162e-cc78-11e3-81ab-%012x", n) }

// replay lives so many deployments now.
func (l *lives) replay(tb testing.TB, count int) {
	tb.Helper()
	for range count {
		if _, err := l.live(time.Now()); err != nil {
			tb.Fatal(err)
		}
	}
}
