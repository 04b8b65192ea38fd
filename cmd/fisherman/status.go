package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"fisherman/server/client"
)

func newStatus() *cobra.Command {
	var to connection
	var asJSON, watch bool
	cmd := &cobra.Command{
		Use:   "status [SERVICE]",
		Short: "Show what runs: image, commit, since when, health, traffic, routes",
		Long: "Shows what runs and what is on its way; of one service, also its replicas and its last deployments.\n" +
			"Where a service's last deployment failed, it says so below, and why; and what is wrong with the configuration.\n" +
			"Traffic is what the proxy counted in the last five minutes.",
		Example:           "  fisherman status\n  fisherman status web\n  fisherman status --watch\n  fisherman status web --json",
		Args:              exactly(cobra.MaximumNArgs(1)),
		ValidArgsFunction: to.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			t := terminalOf(cmd.OutOrStdout())
			switch {
			case watch && asJSON:
				return usageError{errors.New("--watch and --json do not go together; ask with --json as often as you need it")}
			case watch && t == nil:
				return usageError{errors.New("--watch needs a terminal; elsewhere run `fisherman status` as often as you need it")}
			}
			c, err := to.connect()
			if err != nil {
				return err
			}
			switch look := looks(c, args); {
			case watch:
				return watchOn(cmd.Context(), t, look)
			case asJSON:
				return printServices(cmd.Context(), cmd.OutOrStdout(), c, args)
			default:
				return printView(cmd.Context(), cmd.OutOrStdout(), look)
			}
		},
	}
	to.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&watch, "watch", false, "keep showing it, every 2 s, until Ctrl-C; on a terminal only")
	return cmd
}

// view is something to look at in so many columns; 0 is no limit.
type view func(columns int) [][]piece

// looks is what a status of all services, or of the one that is named, asks the server for.
func looks(c *client.Client, names []string) func(context.Context) (view, error) {
	return func(ctx context.Context) (view, error) {
		if len(names) == 0 {
			return lookAtAll(ctx, c)
		}
		return lookAtOne(ctx, c, names[0])
	}
}

func printServices(ctx context.Context, w io.Writer, c *client.Client, names []string) error {
	if len(names) == 0 {
		services, err := c.Services(ctx)
		if err != nil {
			return err
		}
		return printJSON(w, services)
	}
	service, err := c.Service(ctx, names[0])
	if err != nil {
		return err
	}
	return printJSON(w, service)
}

// printView prints once what fits a terminal, or all there is where that is read by something else.
func printView(ctx context.Context, w io.Writer, look func(context.Context) (view, error)) error {
	seen, err := look(ctx)
	if err != nil {
		return err
	}
	return seen.print(w)
}

func (seen view) print(w io.Writer) error {
	t := terminalOf(w)
	columns, _ := t.size()
	for _, line := range seen(columns) {
		text, _ := t.render(line, columns)
		if _, err := io.WriteString(w, text+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func printTable[T any](cmd *cobra.Command, of table[T], rows []T) error {
	return view(func(columns int) [][]piece { return of.lines(rows, columns) }).print(cmd.OutOrStdout())
}
