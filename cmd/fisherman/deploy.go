package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"fisherman/deployer"
	"fisherman/server"
	"fisherman/server/client"
)

func newDeploy() *cobra.Command {
	var to connection
	var wait, asJSON bool
	cmd := &cobra.Command{
		Use:   "deploy SERVICE [TAG or DIGEST]",
		Short: "Deploy a tag or digest of the service's image, or its own tag afresh",
		Example: "  fisherman deploy web --wait\n  fisherman deploy web 2026-11-23\n" +
			"  fisherman deploy web sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Args: exactly(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.connect()
			if err != nil {
				return err
			}
			d, err := c.Deploy(cmd.Context(), args[0], append(args, "")[1])
			if err != nil {
				return err
			}
			if wait {
				d, err = follow(cmd.Context(), cmd.ErrOrStderr(), c, d)
			}
			if asJSON && err == nil {
				err = printJSON(cmd.OutOrStdout(), d)
			} else if err == nil {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s %s\n", d.ID, d.Service, d.State)
			}
			if err == nil && wait {
				err = outcome(d)
			}
			return err
		},
	}
	to.flags(cmd)
	cmd.Flags().BoolVar(&wait, "wait", false, "show progress and exit with the outcome")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// serverPause is how long a server may be away, for a restart say, while somebody watches a deployment.
const serverPause = time.Minute

// follow prints each state a deployment enters until it has ended. An interrupt leaves it running.
func follow(ctx context.Context, w io.Writer, c *client.Client, d server.Deployment) (server.Deployment, error) {
	shown, seen := 0, time.Now()
	for {
		for ; shown < len(d.Steps); shown++ {
			fmt.Fprintf(w, "%s  %s\n", d.Steps[shown].At.Local().Format("15:04:05.000"), d.Steps[shown].State)
		}
		if d.State.Ended() {
			return d, nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return d, fmt.Errorf("stopped watching; deployment %s goes on: see `fisherman status %s`", d.ID, d.Service)
		}
		next, err := c.Deployment(ctx, d.ID)
		switch {
		case err == nil:
			d, seen = next, time.Now()
		case ctx.Err() == nil && (!errors.Is(err, client.ErrUnreachable) || time.Since(seen) > serverPause):
			return d, err
		}
	}
}

// outcome is nil for a deployment that ended well.
func outcome(d server.Deployment) error {
	if d.State == deployer.Succeeded || d.State == deployer.Unchanged {
		return nil
	}
	return fmt.Errorf("deployment %s of %s %s: %s", d.ID, d.Service, d.State, d.Reason)
}
