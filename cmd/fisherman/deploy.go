package main

import "github.com/spf13/cobra"

func newDeploy() *cobra.Command {
	var to connection
	var how asked
	cmd := &cobra.Command{
		Use:   "deploy SERVICE [TAG or DIGEST]",
		Short: "Deploy a tag or digest of the service's image, or its own tag afresh",
		Example: "  fisherman deploy web --wait\n  fisherman deploy web 2026-11-23\n" +
			"  fisherman deploy web sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Args:              exactly(cobra.RangeArgs(1, 2)),
		ValidArgsFunction: to.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.connect()
			if err != nil {
				return err
			}
			d, err := c.Deploy(cmd.Context(), args[0], append(args, "")[1])
			if err != nil {
				return err
			}
			return how.tell(cmd, c, d)
		},
	}
	to.flags(cmd)
	how.flags(cmd)
	return cmd
}
