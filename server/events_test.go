package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	"fisherman/server"
	"fisherman/server/client"
)

// A reader whose connection ends after every other event, on a server that is started anew while it reads, gets each
// transition of each deployment, once, in order, and just as it was. Mutants: ticks that begin anew with the process; the
// state as it is by now.
func TestEventsResumeWithoutGapOrDouble(t *testing.T) {
	w := startWhole(t)
	before, err := w.read(client.EventOptions{Deployment: w.deploy("web", 1).ID}, never)
	if err != nil {
		t.Fatal(err)
	}
	after := before[len(before)-1].ID
	var asked []deployer.Deployment
	for n := range 6 {
		asked = append(asked, w.deploy("web", 2*n+2), w.deploy("api", 2*n+3))
		w.ended(asked[len(asked)-1].ID)
		w.ended(asked[len(asked)-2].ID)
		if n%2 == 0 {
			w.stop()
			w.start()
		}
	}
	want := map[string][]server.Event{}
	total := 0
	for _, d := range asked {
		events, err := w.read(client.EventOptions{Deployment: d.ID}, never)
		if err != nil || !slices.Equal(states(events), steps(w.ended(d.ID))) {
			t.Fatalf("deployment %s has the events %v (%v), want %v", d.ID, states(events), err, steps(w.ended(d.ID)))
		}
		want[d.ID], total = events, total+len(events)
	}
	got, all := map[string][]server.Event{}, []string(nil)
	for n := 0; len(all) < total; n++ {
		if n%10 == 5 {
			w.stop()
			w.start()
		}
		events, err := w.read(client.EventOptions{After: after}, atLeast(2))
		if err != nil {
			t.Fatalf("after %d of %d: %v", len(all), total, err)
		}
		for _, e := range events {
			got[e.Deployment.ID] = append(got[e.Deployment.ID], e)
		}
		all, after = append(all, ids(events)...), events[len(events)-1].ID
	}
	if !reflect.DeepEqual(got, want) || !unique(all) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// What is seen live is what is told later, from the journal.
func TestEventsAreTheSameLiveAndLater(t *testing.T) {
	w := startWhole(t)
	hold := make(chan struct{})
	w.engine.On(fmt.Sprintf("sha256:%064x", 1), deployertest.Script{Await: deployertest.Step{Hold: hold}})
	d := w.deploy("web", 1)
	live, err := w.read(client.EventOptions{Deployment: d.ID}, func(all []server.Event) bool {
		if len(all) == 4 && hold != nil { // queued, pulling, starting, verifying
			close(hold)
			hold = nil
		}
		return false
	})
	later, err2 := w.read(client.EventOptions{Deployment: d.ID}, never)
	if err != nil || err2 != nil || len(live) == 0 || !reflect.DeepEqual(live, later) {
		t.Errorf("live  %+v, %v\nlater %+v, %v", live, err, later, err2)
	}
	if last := live[len(live)-1].Deployment; last.State != deployer.Succeeded || last.FinishedAt == nil {
		t.Errorf("the last event is %+v", last)
	}
}

// After its last transition there is nothing to wait for: not for one that comes back, either.
func TestEventsOfOneDeploymentEnd(t *testing.T) {
	w := startWhole(t)
	d := w.deploy("web", 1)
	all, err := w.read(client.EventOptions{Deployment: d.ID}, never)
	if err != nil {
		t.Fatal(err)
	}
	last := all[len(all)-1].ID
	if response := w.get("/api/v1/events?deployment="+d.ID, last); response.StatusCode != http.StatusNoContent {
		t.Errorf("after its last event: %s", response.Status)
	}
	if again, err := w.read(client.EventOptions{Deployment: d.ID, After: last}, never); err != nil || len(again) != 0 {
		t.Errorf("after its last event: %v, %v", again, err)
	}
}

// pipe is an answer whose every write waits until it is read.
type pipe struct {
	header http.Header
	*io.PipeWriter
}

func (p pipe) Header() http.Header { return p.header }
func (p pipe) WriteHeader(int)     {}
func (p pipe) Flush()              {}

// A reader that does not read holds nobody up, and finds everything when it does.
func TestASlowReaderHoldsNobodyUp(t *testing.T) {
	w := startWhole(t)
	out, in := io.Pipe()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/events?service=web", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	go w.server.Handler().ServeHTTP(pipe{http.Header{}, in}, request)
	stream := bufio.NewReader(out)
	if _, err := stream.ReadByte(); err != nil { // it has begun, and waits for the rest of its first line to be read
		t.Fatal(err)
	}
	want := 0
	for n := range 20 {
		want += len(w.ended(w.deploy("web", n+1).ID).Steps)
		w.ended(w.deploy("api", n+1).ID) // not for this reader
	}
	watchdog := time.AfterFunc(patience, func() { out.Close() })
	defer watchdog.Stop()
	got, last := 0, ""
	for got < want {
		line, err := stream.ReadString('\n')
		if err != nil {
			t.Fatalf("read %d of %d transitions: %v", got, want, err)
		}
		if strings.HasPrefix(line, "data: ") && strings.Contains(line, `"trigger"`) {
			got, last = got+1, line
		}
	}
	out.Close()
	if !strings.Contains(last, `"id":"000039"`) || !strings.Contains(last, `"state":"succeeded"`) {
		t.Errorf("the last transition is %s", last)
	}
}

func TestEventsTellProgress(t *testing.T) {
	w := startWhole(t)
	hold := make(chan struct{})
	w.engine.On(fmt.Sprintf("sha256:%064x", 1), deployertest.Script{Await: deployertest.Step{Hold: hold}})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := w.deploy("web", 1)
	var now deployer.State
	for e, err := range w.client.Events(ctx, client.EventOptions{Deployment: d.ID}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Deployment != nil {
			now = e.Deployment.State
			continue
		}
		if e.ID != "" || e.Progress.State != now || e.Progress.Deployment != d.ID || e.Progress.Service != "web" {
			t.Errorf("while %s: %+v", now, e.Progress)
		}
		if e.Progress.Text == "waiting until healthy" {
			close(hold)
		}
	}
	if now != deployer.Succeeded {
		t.Errorf("the last state told is %s", now)
	}
}

// Whatever is sent as an id, the answer is one that helps.
func TestEventIDsThatAreNone(t *testing.T) {
	w := startWhole(t)
	w.ended(w.deploy("web", 1).ID)
	for id, want := range map[string]int{
		"not an id": 400, "-5": 400, strings.Repeat("z", 5000): 400, "\"1\"": 400,
		"0": 200, "1": 200, "1y2p0ij32e8e7": 200, // too old, and of a time to come
	} {
		response := w.get("/api/v1/events", id)
		if response.StatusCode != want {
			t.Errorf("%.20q: %s, want %d", id, response.Status, want)
		}
		response.Body.Close()
	}
	for path, want := range map[string]int{
		"/api/v1/events?service=wbe": 404, "/api/v1/events?deployment=nobody": 404,
		"/api/v1/events?service=api&deployment=000001": 404, "/api/v1/deployments/nobody/log?follow=true": 404,
		"/api/v1/deployments/000001/log?follow=perhaps": 400,
	} {
		if response := w.get(path, ""); response.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, response.Status, want)
		}
	}
	all, err := w.read(client.EventOptions{After: "1"}, atLeast(1)) // too old: all there is
	if err != nil || all[0].Deployment.ID != "000001" || all[0].Deployment.State != deployer.Queued {
		t.Errorf("after one that is too old: %+v, %v", all, err)
	}
}

// More streams than there may be are refused in words; those that end make room.
func TestStreamsAreBounded(t *testing.T) {
	w := startWhole(t)
	var open []*http.Response
	for range 64 {
		open = append(open, w.get("/api/v1/events", ""))
	}
	refused := w.get("/api/v1/events", "")
	body, _ := io.ReadAll(refused.Body)
	if refused.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "64 streams are open") {
		t.Errorf("one more: %s %s", refused.Status, body)
	}
	for _, one := range open {
		one.Body.Close()
	}
	for deadline := time.Now().Add(patience); w.get("/api/v1/events", "").StatusCode != http.StatusOK; {
		if time.Now().After(deadline) {
			t.Fatal("there is still no room")
		}
	}
}

// The server's end is theirs, and leaves nothing behind.
func TestStreamsEndWithTheServer(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	defer http.DefaultClient.CloseIdleConnections()
	w := startWhole(t)
	hold := make(chan struct{})
	defer close(hold)
	w.engine.On(fmt.Sprintf("sha256:%064x", 1), deployertest.Script{Await: deployertest.Step{Hold: hold}})
	d := w.deploy("web", 1)
	ended := make(chan error, 2)
	for _, o := range []client.EventOptions{{}, {Deployment: d.ID}} {
		go func() { _, err := w.read(o, never); ended <- err }()
	}
	log := w.get("/api/v1/deployments/"+d.ID+"/log?follow=true", "")
	time.Sleep(50 * time.Millisecond)
	w.stop()
	for range 2 {
		if err := <-ended; !errors.Is(err, client.ErrUnreachable) {
			t.Errorf("the events ended with %v, want ErrUnreachable", err)
		}
	}
	if text, err := io.ReadAll(log.Body); err == nil {
		t.Errorf("the deployment goes on, and its log ended as if it were whole:\n%s", text)
	}
}

// A log that is followed says the same as one that is read in the end.
func TestADeploymentsLogIsFollowed(t *testing.T) {
	w := startWhole(t)
	hold := make(chan struct{})
	w.engine.On(fmt.Sprintf("sha256:%064x", 1), deployertest.Script{Await: deployertest.Step{Hold: hold, Err: errors.New("exited with code 3; its last lines:\nno database")}})
	d := w.deploy("web", 1)
	followed := bufio.NewReader(w.get("/api/v1/deployments/"+d.ID+"/log?follow=true", "").Body)
	var text strings.Builder
	for line := ""; !strings.Contains(line, "waiting until healthy"); { // before it has ended
		var err error
		if line, err = followed.ReadString('\n'); err != nil {
			t.Fatalf("%q, %v", text.String(), err)
		}
		text.WriteString(line)
	}
	close(hold)
	rest, err := io.ReadAll(followed)
	text.Write(rest)
	log, err2 := w.client.DeploymentLog(t.Context(), d.ID, false)
	if err2 != nil {
		t.Fatal(err2)
	}
	defer log.Close()
	want, err2 := io.ReadAll(log)
	if err != nil || err2 != nil || text.String() != string(want) || !strings.HasSuffix(text.String(), "no database\n") {
		t.Errorf("followed:\n%s(%v)\nread:\n%s(%v)", text.String(), err, want, err2)
	}
}
