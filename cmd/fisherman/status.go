package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"fisherman/server"
	"fisherman/server/client"
)

func newStatus() *cobra.Command {
	var to connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "status [SERVICE]",
		Short:   "Show what runs: image, commit, since when, health, routes",
		Example: "  fisherman status\n  fisherman status web --json",
		Args:    exactly(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.connect()
			if err != nil {
				return err
			}
			services, err := listServices(cmd.Context(), c, args)
			switch {
			case err != nil:
				return err
			case asJSON && len(args) == 1:
				return printJSON(cmd.OutOrStdout(), services[0])
			case asJSON:
				return printJSON(cmd.OutOrStdout(), services)
			}
			return printServices(cmd.Context(), cmd.OutOrStdout(), c, services)
		},
	}
	to.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func listServices(ctx context.Context, c *client.Client, names []string) ([]server.Service, error) {
	if len(names) == 0 {
		return c.Services(ctx)
	}
	one, err := c.Service(ctx, names[0])
	return []server.Service{one}, err
}

func printServices(ctx context.Context, w io.Writer, c *client.Client, services []server.Service) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SERVICE\tSTATE\tIMAGE\tCOMMIT\tSINCE\tHEALTHY\tROUTES")
	for _, s := range services {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			s.Name, s.State, s.Image, cmp.Or(shortCommit(s.Commit), "-"), since(ctx, c, s), healthy(s), cmp.Or(routes(s), "-"))
	}
	return table.Flush()
}

func shortCommit(commit string) string { return commit[:min(7, len(commit))] }

// since is how long the live release has been live.
func since(ctx context.Context, c *client.Client, s server.Service) string {
	if s.Deployment == "" {
		return "-"
	}
	d, err := c.Deployment(ctx, s.Deployment)
	if err != nil || d.FinishedAt == nil {
		return "-"
	}
	return units.HumanDuration(time.Since(*d.FinishedAt))
}

func healthy(s server.Service) string {
	n := 0
	for _, r := range s.Replicas {
		if r.Healthy {
			n++
		}
	}
	return fmt.Sprintf("%d/%d", n, len(s.Replicas))
}

func routes(s server.Service) string {
	var all []string
	for _, r := range s.Routes {
		all = append(all, fmt.Sprintf("%s%s:%d", r.Host, r.Prefix, r.Port))
	}
	return strings.Join(all, " ")
}
