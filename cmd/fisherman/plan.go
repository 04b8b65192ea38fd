package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	configuration "fisherman/server/config"
)

// exitChanges is `plan --detailed-exitcode` when there is something to do.
const exitChanges = 3

// errChanges says that there is something to do. It has been printed.
var errChanges = errors.New("there is something to do")

func newPlan() *cobra.Command {
	var to connection
	var location string
	var asJSON, detailed bool
	cmd := &cobra.Command{
		Use:   "plan [--config NEW]",
		Short: "Show what a configuration would change, and change nothing",
		Long: "Shows what `fisherman reconcile` would change: with --config what that file would, else what the configuration that the\n" +
			"server was started with would by now. The server checks it, with its own environment. Secrets are compared and never\n" +
			"shown. With --detailed-exitcode the exit code is 3 when there is something to do, also for you: a service that could not\n" +
			"be brought to the configuration in force is named, and not tried again by itself.",
		Example: "  fisherman plan\n  fisherman plan --config new.yaml --detailed-exitcode",
		Args:    exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var raw []byte
			if cmd.Flags().Changed("config") {
				from, err := openSource(cmd, location, zerolog.Nop())
				if err != nil {
					return err
				}
				if raw, err = from.Read(cmd.Context()); err != nil {
					return err
				}
				if len(raw) == 0 { // nothing would be sent, which asks for the server's own
					_, err = configuration.Parse(raw, os.LookupEnv)
					return cannotBeUsed(from.Location(), err)
				}
			}
			c, err := to.connect()
			if err != nil {
				return err
			}
			plan, err := c.Plan(cmd.Context(), raw)
			switch {
			case err != nil:
				return err
			case asJSON:
				err = printJSON(cmd.OutOrStdout(), plan)
			default:
				err = printPlan(cmd, plan)
			}
			if err == nil && detailed && (!plan.IsEmpty() || len(plan.Behind) > 0) {
				return errChanges
			}
			return err
		},
	}
	to.flags(cmd)
	cmd.Flags().StringVar(&location, "config", "", "a configuration to compare with what runs, a path or s3://bucket/key; absent: the server reads its own again")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 3 when there is something to do")
	return cmd
}

// printPlan prints a plan as people read it, and in colour where they look on.
func printPlan(cmd *cobra.Command, p configuration.Plan) error {
	screen := terminalOf(cmd.OutOrStdout())
	var b strings.Builder
	for _, line := range planLines(p) {
		text, _ := screen.render(line, 0)
		b.WriteString(text + "\n")
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), b.String())
	return err
}

// planLines are a line for each service and key: + is added, ~ changed, - removed, and ! needs a restart or a person.
func planLines(p configuration.Plan) (lines [][]piece) {
	switch {
	case p.IsEmpty() && len(p.Behind) == 0:
		return [][]piece{{{text: "Nothing to do: this configuration is in force."}}}
	case p.IsEmpty():
		return append(behindLines(p.Behind), []piece{{text: "Nothing else to do: this configuration is in force."}})
	}
	counts := map[configuration.Action]int{}
	for _, s := range p.Services {
		counts[s.Action]++
		mark, style := "~", yellow
		switch s.Action {
		case configuration.Add:
			mark, style = "+", green
		case configuration.Remove:
			mark, style = "-", red
		}
		lines = append(lines, []piece{{style, mark}, {text: " services." + s.Name + ": " + strings.Join(s.Effects, "; ")}})
		for _, c := range s.Changes {
			lines = append(lines, changeLine(c))
		}
	}
	restarts := 0
	for _, c := range p.Settings {
		lines = append(lines, changeLine(c))
		if c.Effect == configuration.Restart {
			restarts++
		}
	}
	summary := fmt.Sprintf("%d to add, %d to change, %d to remove; %s", counts[configuration.Add], counts[configuration.Alter],
		counts[configuration.Remove], amount(len(p.Settings), "setting"))
	if restarts > 0 {
		summary += fmt.Sprintf(", of which %d count from the next start of fisherman on", restarts)
	}
	return append(append(lines, behindLines(p.Behind)...), []piece{{text: summary + "."}})
}

// behindLines name the services that are not what the configuration in force says, and what to do.
func behindLines(services []configuration.Behind) (lines [][]piece) {
	for _, b := range services {
		reason, _, _ := strings.Cut(b.Reason, "\n")
		lines = append(lines, []piece{{red, "!"}, {text: oneLine(fmt.Sprintf(" services.%s: is not what the configuration in force says: deployment %s failed: %s; `fisherman deploy %s` tries again",
			b.Service, b.Deployment, reason, b.Service))}})
	}
	return lines
}

// changeLine is one key: what it was, what it is to be and, of a service, what that leads to.
func changeLine(c configuration.Change) []piece {
	mark, style := "~", yellow
	switch {
	case c.Effect == configuration.Restart:
		mark, style = "!", red
	case c.Old == "":
		mark, style = "+", green
	case c.New == "":
		mark, style = "-", red
	}
	values := fmt.Sprintf("%s → %s", cmp.Or(c.Old, "none"), cmp.Or(c.New, "none"))
	switch {
	case c.Secret && c.Old != "" && c.New != "":
		values = "a secret that has changed"
	case c.Secret:
		values = "a secret"
	case c.Old == "":
		values = c.New
	}
	line := []piece{{text: "    "}, {style, mark}, {text: fmt.Sprintf(" %s: %s", oneLine(c.Path), oneLine(values))}}
	if c.Effect != "" {
		line = append(line, piece{faint, fmt.Sprintf("  (%s)", c.Effect)})
	}
	return line
}
