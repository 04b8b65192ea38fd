package main

import "github.com/spf13/cobra"

func newRollback() *cobra.Command {
	var to connection
	var how asked
	var target string
	cmd := &cobra.Command{
		Use:   "rollback SERVICE [--to DEPLOYMENT]",
		Short: "Go back to the newest release that succeeded before the live one, or to that of a deployment",
		Long: "Goes back to the newest release that succeeded before the live one, or to that of the deployment that --to names, with\n" +
			"today's configuration and without a pull. Going back twice goes back two releases. The next push moves on.",
		Example:           "  fisherman rollback web --wait\n  fisherman rollback web --to 01JDQ8K3V7Z9X2M4N6P8R0T1V3",
		Args:              exactly(cobra.ExactArgs(1)),
		ValidArgsFunction: to.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.connect()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("to") {
				found, err := findDeployment(cmd.Context(), c, target)
				if err != nil {
					return err
				}
				target = found.ID
			}
			d, err := c.Rollback(cmd.Context(), args[0], target)
			if err != nil {
				return err
			}
			return how.tell(cmd, c, d)
		},
	}
	to.flags(cmd)
	how.flags(cmd)
	cmd.Flags().StringVar(&target, "to", "", "the deployment whose release to go back to: its id, or the beginning or end of that")
	complete(cmd, "to", to.completeRelease)
	return cmd
}
