package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fisherman/server"
)

func newRoutes() *cobra.Command {
	var to connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "routes",
		Short: "Show the proxy's live route table",
		Long: "Shows where the proxy sends requests at this moment: to which release's containers, and how many requests are in\n" +
			"flight on each.",
		Example: "  fisherman routes\n  fisherman routes --json",
		Args:    exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := to.connect()
			if err != nil {
				return err
			}
			all, err := c.Routes(cmd.Context())
			switch {
			case err != nil:
				return err
			case asJSON:
				return printJSON(cmd.OutOrStdout(), all)
			}
			return printTable(cmd, liveRoutes(), all)
		},
	}
	to.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func liveRoutes() table[server.Route] {
	return table[server.Route]{
		{title: "HOST", cell: func(r server.Route) string { return r.Host }},
		{title: "PREFIX", cell: func(r server.Route) string { return r.Prefix }},
		{title: "SERVICE", cell: func(r server.Route) string { return r.Service }, rank: 2},
		{title: "RELEASE", cell: func(r server.Route) string { return r.Release }, rank: 1},
		{title: "BACKENDS", cell: backends, least: 20, colour: func(r server.Route) colour {
			if len(r.Backends) == 0 {
				return red
			}
			return ""
		}},
	}
}

func backends(r server.Route) string {
	if len(r.Backends) == 0 {
		return "none: answers 503"
	}
	var all []string
	for _, b := range r.Backends {
		all = append(all, fmt.Sprintf("%s (%d in flight)", b.Address, b.InFlight))
	}
	return strings.Join(all, ", ")
}
