package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fisherman/deployer"
	"fisherman/server"
	"fisherman/server/client"
)

// cancelWithin is how long a cancelled deployment may take to end.
const cancelWithin = 30 * time.Second

func newCancel() *cobra.Command {
	var to connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:               "cancel DEPLOYMENT",
		Short:             "End a deployment that has not switched; nothing changes then",
		Long:              "Ends a deployment that has not switched: what runs goes on. One that has is undone by `fisherman rollback`.",
		Example:           "  fisherman cancel 01JDQ8K3V7Z9X2M4N6P8R0T1V3\n  fisherman cancel P8R0T1V3",
		Args:              exactly(cobra.ExactArgs(1)),
		ValidArgsFunction: to.completeActive,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.connect()
			if err != nil {
				return err
			}
			d, err := findDeployment(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if d, err = cancelled(cmd.Context(), c, d.ID); err != nil {
				return err
			}
			return printDeployment(cmd, d, asJSON)
		},
	}
	to.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// cancelled cancels a deployment and waits until it has ended.
func cancelled(ctx context.Context, c *client.Client, id string) (server.Deployment, error) {
	d, err := c.Cancel(ctx, id)
	ctx, stop := context.WithTimeout(ctx, cancelWithin)
	defer stop()
	for err == nil && !d.State.Ended() {
		if !pause(ctx, retryPause) {
			return d, fmt.Errorf("deployment %s is told to end and is still %s; see `fisherman logs --deployment %s`", id, d.State, id)
		}
		d, err = c.Deployment(ctx, id)
	}
	if err == nil && d.State != deployer.Cancelled {
		err = fmt.Errorf("deployment %s of %s had ended %s before it could be cancelled: %s", id, d.Service, d.State, d.Reason)
	}
	return d, err
}
