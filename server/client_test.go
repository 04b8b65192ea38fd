package server_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"testing"

	"fisherman/deployer"
	"fisherman/server/client"
)

// The client and the server understand each other.
func TestClientAgainstServer(t *testing.T) {
	f, d := newFeed()
	h := start(t, d)
	c, err := client.New(h.url, deployer.Plain(token))
	if err != nil {
		t.Fatal(err)
	}
	service, err := c.Service(t.Context(), "web")
	if err != nil || service.Deployment != "01LIVE" || service.Replicas[0].Address != "172.18.0.3:8080" {
		t.Errorf("Service: %+v, %v", service, err)
	}
	past, err := c.Deployments(t.Context(), "web", 2)
	if err != nil || len(past) != 2 || past[0].FinishedAt != nil || !past[1].FinishedAt.Equal(at(9)) {
		t.Errorf("Deployments: %+v, %v", past, err)
	}
	begun, err := c.Deploy(t.Context(), "web", "v2")
	if err != nil || begun.ID != "01NEXT" || begun.State != deployer.Queued {
		t.Errorf("Deploy: %+v, %v", begun, err)
	}
	routes, err := c.Routes(t.Context())
	if err != nil || len(routes) != 2 || routes[0].Backends[0].InFlight != 2 {
		t.Errorf("Routes: %+v, %v", routes, err)
	}
	log, err := c.DeploymentLog(t.Context(), "01LIVE", false)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if text, err := io.ReadAll(log); err != nil || string(text) != live().Log() {
		t.Errorf("DeploymentLog: %q, %v", text, err)
	}
	var refused *client.Error
	if _, err := c.Cancel(t.Context(), "01PAST"); !errors.As(err, &refused) || refused.Status != 409 {
		t.Errorf("Cancel: %v, want the server's 409", err)
	}
	followLogs(t, c, f)
}

func followLogs(t *testing.T, c *client.Client, f *feed) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	output, err := c.Logs(ctx, "web", client.LogOptions{Follow: true, Tail: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	f.say(t, "tide is high\n")
	if line, err := bufio.NewReader(output).ReadString('\n'); line != "tide is high\n" {
		t.Errorf("Logs: %q, %v", line, err)
	}
	leave()
	f.wait(t)
}

func TestClientWithAnotherToken(t *testing.T) {
	h := start(t, &standIn{})
	c, err := client.New(h.url, deployer.Plain("another"))
	if err != nil {
		t.Fatal(err)
	}
	var refused *client.Error
	if _, err := c.Services(t.Context()); !errors.As(err, &refused) || refused.Status != 401 {
		t.Errorf("Services: %v, want the server's 401", err)
	}
}
