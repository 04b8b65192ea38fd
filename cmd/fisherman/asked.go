package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"fisherman/server"
	"fisherman/server/client"
)

// asked is how a person wants to hear of a deployment that they asked for.
type asked struct{ wait, json bool }

func (a *asked) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.wait, "wait", false, "show progress and exit with the outcome")
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
}

// tell prints the deployment, once it has ended if that is wanted; then how it ended is the outcome of the command.
func (a *asked) tell(cmd *cobra.Command, c *client.Client, d server.Deployment) (err error) {
	if a.wait {
		if d, err = follow(cmd.Context(), cmd.ErrOrStderr(), c, d); err != nil {
			return err
		}
	}
	if err = printDeployment(cmd, d, a.json); err == nil && a.wait {
		return outcome(d)
	}
	if terminalOf(cmd.ErrOrStderr()) != nil && !d.State.Ended() {
		fmt.Fprintf(cmd.ErrOrStderr(), "Follow it:  fisherman logs --deployment %s -f\n", d.ID)
	}
	return err
}

// printDeployment prints what became of a deployment, for a script.
func printDeployment(cmd *cobra.Command, d server.Deployment, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), d)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s %s\n", d.ID, d.Service, d.State)
	return err
}
