package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"fisherman/deployer"
	"fisherman/server/client"
)

// streamEvents prints the transitions of DEPLOYMENT after the event EVENT, up to a state, and sets EVENT to the last one.
func streamEvents(s *stage, ts *testscript.TestScript, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.New("http://"+s.server.api, deployer.Plain(ts.Getenv("FISHERMAN_TOKEN")))
	if err != nil {
		return "", err
	}
	var text strings.Builder
	options := client.EventOptions{Deployment: ts.Getenv("DEPLOYMENT"), After: ts.Getenv("EVENT")}
	for e, err := range c.Events(ctx, options) {
		switch {
		case err != nil:
			return text.String(), err
		case e.Progress != nil:
			fmt.Fprintf(&text, "(%s %s %d/%d)\n", e.Progress.State, e.Progress.Text, e.Progress.Done, e.Progress.Total)
			continue
		}
		fmt.Fprintf(&text, "%s\n", e.Deployment.State)
		ts.Setenv("EVENT", e.ID)
		if string(e.Deployment.State) == args[0] {
			return text.String(), nil
		}
	}
	return text.String(), nil
}
