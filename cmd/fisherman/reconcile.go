package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"fisherman/server"
)

func newReconcile() *cobra.Command {
	var to connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "reconcile",
		Short: "Have the server read its configuration again and apply what has changed",
		Long: "Has the server read its configuration again, now, and apply what has changed, without a restart. A configuration with\n" +
			"mistakes changes nothing: all of them are shown. What runs and has not changed is left alone.",
		Example: "  fisherman reconcile\n  fisherman reconcile --json",
		Args:    exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := to.connect()
			if err != nil {
				return err
			}
			done, err := c.Reconcile(cmd.Context())
			if err != nil {
				return err
			}
			if err := printReconciled(cmd, done, asJSON); err != nil {
				return err
			}
			if len(done.Failures) > 0 {
				return errors.New("not all of it could be applied")
			}
			return nil
		},
	}
	to.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printReconciled prints what was done, and what is on its way.
func printReconciled(cmd *cobra.Command, done server.Reconciled, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), done)
	}
	if err := printPlan(cmd, done.Plan); err != nil {
		return err
	}
	for _, failure := range done.Failures {
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "failed: %s\n", oneLine(failure)); err != nil {
			return err
		}
	}
	for _, d := range done.Deployments {
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s %s\n", d.ID, d.Service, d.State); err != nil {
			return err
		}
	}
	return nil
}
