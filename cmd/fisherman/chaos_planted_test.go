package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/server"
)

// noon is when the deployment of these facts succeeded.
func noon() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }

func ended(id, digest string, state deployer.State, reason string, at time.Time) server.Deployment {
	d := server.Deployment{ID: id, Service: web, State: state, Reason: reason, Digest: digest, FinishedAt: &at}
	for _, s := range []deployer.State{deployer.Switching, deployer.Draining, state} {
		d.Steps = append(d.Steps, server.Step{State: s, At: at})
	}
	return d
}

// allWell are facts in which nothing is wrong: two releases of one service, the second replaced the first; a third failed.
func allWell() facts {
	one, two, three := noon().Add(-time.Minute), noon(), noon().Add(time.Minute)
	return facts{
		releases: []shipment{
			{service: web, version: "1", digest: "sha256:1", flaw: sound, deployments: []string{"a"}},
			{service: web, version: "2", digest: "sha256:2", flaw: sound, deployments: []string{"b"}},
			{service: web, version: "3", digest: "sha256:3", flaw: crashes, deployments: []string{"c"}},
		},
		history: map[string]server.Deployment{
			"a": ended("a", "sha256:1", deployer.Succeeded, "", one),
			"b": ended("b", "sha256:2", deployer.Succeeded, "", two),
			"c": ended("c", "sha256:3", deployer.Failed, "it exited with code 3", three),
		},
		services: map[string]served{web: {replicas: 2, live: "b", digest: "sha256:2", state: "running", version: "2"}},
		containers: []observed{
			{id: "1", service: web, deployment: "b", running: true},
			{id: "2", service: web, deployment: "b", running: true},
			{id: "3", service: web, deployment: "c"},
		},
		spans:    map[string]map[string]span{web: {"1": {one, two.Add(-time.Millisecond)}, "2": {two, three}}},
		before:   []string{"container x started then"},
		after:    []string{"container x started then"},
		failures: []failure{{service: web, begun: two, ended: two.Add(time.Second), status: 502}},
		windows:  []window{{struck, web, two.Add(time.Millisecond), two.Add(2 * time.Millisecond)}},
	}
}

// TestInvariantsFindWhatIsWrong plants one violation at a time.
func TestInvariantsFindWhatIsWrong(t *testing.T) {
	every := slices.Concat(settling(), lasting())
	if bad := violations(every, allWell()); len(bad) > 0 {
		t.Fatalf("where nothing is wrong they find %q", bad)
	}
	for planted, c := range map[string]struct {
		plant func(*facts)
		want  string
	}{
		"an accepted deployment is lost": {func(f *facts) { delete(f.history, "c") }, "truth: deployment c "},
		"one has not ended":              {changed("b", func(d *server.Deployment) { d.State, d.FinishedAt = deployer.Draining, nil }), "it has not ended"},
		"a delivery led to nothing":      {func(f *facts) { f.releases[1].deployments = nil }, "led to no deployment"},
		"a success has a reason":         {changed("b", func(d *server.Deployment) { d.Reason = "so" }), "only a success needs no reason"},
		"a failure has none":             {changed("c", func(d *server.Deployment) { d.Reason = "" }), "only a success needs no reason"},
		"a failure has the wrong reason": {changed("c", func(d *server.Deployment) { d.Reason = "no disk" }), "want one of"},
		"what crashes succeeded":         {changed("c", func(d *server.Deployment) { d.Reason = ""; d.State = deployer.Succeeded; d.Steps[2].State = d.State }), "want one of"},
		"the last step is another":       {changed("b", func(d *server.Deployment) { d.Steps = d.Steps[:2] }), "its last step is draining"},
		"the older one serves":           {serving(func(s *served) { s.version = "1" }), `answers "1", want version 2`},
		"the API shows another digest":   {serving(func(s *served) { s.digest = "sha256:1" }), "want version 2"},
		"it is down":                     {serving(func(s *served) { s.state = "down" }), "last: web is down"},
		"the route file names another":   {serving(func(s *served) { s.live = "a" }), "last: the route file sends web to deployment a"},
		"a replica is missing":           {func(f *facts) { f.containers[0].running = false }, "one live: 1 containers of web run, want 2"},
		"the old one runs, too":          {func(f *facts) { f.containers = append(f.containers, observed{"4", web, "a", true}) }, "one live: container 4"},
		"the old one was not removed":    {func(f *facts) { f.containers = append(f.containers, observed{"4", web, "a", false}) }, "orphan: container 4"},
		"a stranger's container":         {func(f *facts) { f.containers = append(f.containers, observed{"4", web, "z", false}) }, "orphan: container 4"},
		"what failed still runs":         {func(f *facts) { f.containers[2].running = true }, "orphan: container 3"},
		"what failed outlived a success": {func(f *facts) {
			f.containers[2].deployment = "0"
			f.history["0"] = ended("0", "sha256:0", deployer.Failed, "so", noon().Add(-time.Second))
		}, "orphan: container 3"},
		"a success never answered":            {func(f *facts) { delete(f.spans[web], "2") }, "served: deployment b"},
		"a success answered before only":      {func(f *facts) { f.spans[web]["2"] = span{noon().Add(-time.Hour), noon().Add(-time.Hour)} }, "served: deployment b"},
		"what was replaced answers":           {func(f *facts) { f.spans[web]["1"] = span{noon(), noon().Add(time.Millisecond)} }, "replaced: version 1"},
		"something foreign was restarted":     {func(f *facts) { f.after = []string{"container x started now"} }, "foreign: was container x"},
		"a request failed for no reason":      {func(f *facts) { f.windows = nil }, "failed: 1 requests to web"},
		"another app answered":                {func(f *facts) { f.failures[0].stranger = true }, "failed: 1 requests to web"},
		"a request of another service failed": {func(f *facts) { f.failures[0].service = single }, "failed: 1 requests to single"},
	} {
		f := allWell()
		c.plant(&f)
		if bad := violations(every, f); !slices.ContainsFunc(bad, func(b string) bool { return strings.Contains(b, c.want) }) {
			t.Errorf("%s: they find %q, want something with %q", planted, bad, c.want)
		}
	}
}

func changed(id string, change func(*server.Deployment)) func(*facts) {
	return func(f *facts) {
		f.history = maps.Clone(f.history)
		d := f.history[id]
		d.Steps = slices.Clone(d.Steps)
		change(&d)
		f.history[id] = d
	}
}

func serving(change func(*served)) func(*facts) {
	return func(f *facts) {
		s := f.services[web]
		change(&s)
		f.services[web] = s
	}
}

// TestExcuses holds each excuse to its rule.
func TestExcuses(t *testing.T) {
	at := func(ms int) time.Time { return noon().Add(time.Duration(ms) * time.Millisecond) }
	for name, c := range map[string]struct {
		excuse     excuse
		begun, end int // of the request, in ms; the window is from 1000 to 2000
		status     int
		partial    bool
		want       bool
	}{
		"killed: in flight":                {killed, 500, 1001, 0, true, true},
		"killed: refused":                  {killed, 1500, 1501, 0, false, true},
		"killed: broke off just before":    {killed, 500, 900, 0, true, true},
		"killed: broke off long before":    {killed, 500, 700, 0, true, false},
		"killed: refused afterwards":       {killed, 2001, 2002, 0, false, false},
		"killed: answered by the next one": {killed, 1500, 2500, 503, false, false},
		"told: refused":                    {told, 1500, 1501, 0, false, true},
		"told: reset in the queue":         {told, 900, 1100, 0, false, true},
		"told: in flight":                  {told, 500, 1100, 0, false, false},
		"told: answer broke off":           {told, 1100, 1200, 0, true, false},
		"told: refused by an answer":       {told, 1100, 1200, 503, false, false},
		"struck: in flight":                {struck, 500, 1001, 502, false, true},
		"struck: over before":              {struck, 500, 999, 502, false, false},
		"struck: sent to it afterwards":    {struck, 2001, 2100, 502, false, false},
		"down: nothing to send it to":      {down, 1500, 1501, 503, false, true},
		"down: after it was well again":    {down, 2001, 2002, 503, false, false},
	} {
		w := window{excuse: c.excuse, from: at(1000), to: at(2000)}
		f := failure{service: web, begun: at(c.begun), ended: at(c.end), status: c.status, partial: c.partial}
		if w.covers(f) != c.want {
			t.Errorf("%s: excused %t, want %t", name, !c.want, c.want)
		}
	}
}

// TestOutstayed holds the excuse of who was cut at the end of a drain to its rule: the release was replaced at 1000.
func TestOutstayed(t *testing.T) {
	at := func(ms int) time.Time { return noon().Add(time.Duration(ms) * time.Millisecond) }
	history := map[string]server.Deployment{"b": ended("b", "sha256:2", deployer.Succeeded, "", at(1000))}
	for name, c := range map[string]struct {
		f    failure
		want bool
	}{
		"in flight all the while": {failure{service: web, begun: at(900), ended: at(4000)}, true},
		"cut too early":           {failure{service: web, begun: at(900), ended: at(3500)}, false},
		"begun later":             {failure{service: web, begun: at(1001), ended: at(4100)}, false},
		"answered":                {failure{service: web, begun: at(900), ended: at(4000), status: http.StatusBadGateway}, false},
		"of another service":      {failure{service: frail, begun: at(900), ended: at(4000)}, false},
		"by another app":          {failure{service: web, begun: at(900), ended: at(4000), stranger: true}, false},
	} {
		if outstayed(c.f, history) != c.want {
			t.Errorf("%s: excused %t, want %t", name, !c.want, c.want)
		}
	}
}

// TestThePlanCanBePlayedAgain: a seed stands for the same rounds, and every kind of fault is among them.
func TestThePlanCanBePlayedAgain(t *testing.T) {
	for name := range plans() {
		var all [2][]string
		for n := range all {
			a := &arena{random: planned(7)}
			for r := range a.order(plans()[name]) {
				all[n] = append(all[n], r.name)
			}
		}
		if !slices.Equal(all[0], all[1]) {
			t.Errorf("%s: one seed stands for %q and %q", name, all[0], all[1])
		}
		for _, r := range plans()[name] {
			if !slices.ContainsFunc(plans()[name], func(other round) bool { return other.kind == r.kind && slices.Contains(all[0], other.name) }) {
				t.Errorf("%s: the short form has nothing of the kind %q", name, r.kind)
			}
		}
	}
}

// TestEveryStateIsDiedAround: the plan has a kill before and after each state of a deployment.
func TestEveryStateIsDiedAround(t *testing.T) {
	for _, state := range []deployer.State{
		deployer.Waiting, deployer.Queued, deployer.Pulling, deployer.Starting, deployer.Verifying, deployer.Switching, deployer.Draining, deployer.Baking,
		deployer.Succeeded, deployer.Failed, deployer.Cancelled, deployer.Superseded, deployer.Unchanged, deployer.RolledBack,
	} {
		for _, when := range []string{"before", "after"} {
			name := fmt.Sprintf("killed at %s %s", when, state)
			if !slices.ContainsFunc(plans()["process"], func(r round) bool { return r.name == name }) {
				t.Errorf("the plan has no round %q", name)
			}
		}
	}
}
