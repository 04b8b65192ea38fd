package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fisherman/server"
)

// screenful is how many deployments are shown unless more are asked for; limitMost is the most the server lists.
const (
	screenful = 20
	limitMost = 1000
)

func newHistory() *cobra.Command {
	var to connection
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history [SERVICE]",
		Short: "Show past deployments and their outcomes, the newest first",
		Long: "Shows deployments, the newest first: of one service or of all. AGE is how long ago each was asked for, TOOK how long it\n" +
			"took from then on to its end. `fisherman logs --deployment ID` shows all there is to say of one.",
		Example:           "  fisherman history\n  fisherman history web --limit 5\n  fisherman history web --json",
		Args:              exactly(cobra.MaximumNArgs(1)),
		ValidArgsFunction: to.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 || limit > limitMost {
				return usageError{fmt.Errorf("--limit %d: write a number from 1 to %d", limit, limitMost)}
			}
			c, err := to.connect()
			if err != nil {
				return err
			}
			all, err := c.Deployments(cmd.Context(), append(args, "")[0], limit)
			switch {
			case err != nil:
				return err
			case asJSON:
				return printJSON(cmd.OutOrStdout(), all)
			}
			return printTable(cmd, past(time.Now()), all)
		},
	}
	to.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", screenful, fmt.Sprintf("how many, %d at most", limitMost))
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// past is the table of deployments of any service.
func past(now time.Time) table[server.Deployment] {
	return slices.Insert(deployments(now), 1,
		column[server.Deployment]{title: "SERVICE", cell: func(d server.Deployment) string { return d.Service }},
		column[server.Deployment]{title: "IMAGE", cell: tagOrDigest, least: 8, rank: 2},
	)
}

// tagOrDigest is which image it was, of the service's.
func tagOrDigest(d server.Deployment) string {
	if _, digest, ok := strings.Cut(d.Image, "@"); ok {
		return shortDigest(digest)
	}
	name := d.Image[strings.LastIndex(d.Image, "/")+1:]
	_, tag, _ := strings.Cut(name, ":")
	return cmp.Or(tag, shortDigest(d.Digest))
}

// shortDigest is a digest as people compare it.
func shortDigest(digest string) string {
	const algorithm, digits = "sha256:", 12
	return digest[:min(len(algorithm)+digits, len(digest))]
}
