package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fisherman/deployer"
	"fisherman/server"
	"fisherman/server/client"
)

const (
	completeWithin = time.Second // whoever presses Tab does not wait for longer
	completedFrom  = 100         // deployments that are looked through
)

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print what makes a shell complete commands, services and deployments",
		Long: "Prints a script that makes a shell (bash, zsh or fish) complete commands and flags and, from the\n" +
			"running server, services and deployments. bash needs the package bash-completion for it.",
		Example: "  fisherman completion bash > /etc/bash_completion.d/fisherman\n" +
			"  fisherman completion zsh > \"${fpath[1]}/_fisherman\"\n" +
			"  fisherman completion fish > ~/.config/fish/completions/fisherman.fish",
		Args:                  exactly(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		ValidArgs:             []string{"bash", "zsh", "fish"},
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, w := cmd.Root(), cmd.OutOrStdout()
			scripts := map[string]func(io.Writer) error{
				"bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
				"zsh":  root.GenZshCompletion,
				"fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
			}
			return scripts[args[0]](w)
		},
	}
}

// completer proposes what may come next.
type completer = func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective)

// complete makes a flag's values complete.
func complete(cmd *cobra.Command, flag string, by completer) {
	if err := cmd.RegisterFlagCompletionFunc(flag, by); err != nil {
		panic(err) // there is no such flag
	}
}

// asks is a completer that asks the server; it is silent when that does not answer.
func (r *connection) asks(cmd *cobra.Command, ask func(context.Context, *client.Client) ([]cobra.Completion, error)) ([]cobra.Completion, cobra.ShellCompDirective) {
	const inOrder = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	c, err := r.connect()
	if err != nil {
		return nil, inOrder
	}
	ctx, stop := context.WithTimeout(cmd.Context(), completeWithin)
	defer stop()
	words, err := ask(ctx, c)
	if err != nil {
		return nil, inOrder
	}
	return words, inOrder
}

// completeService proposes services as the first argument.
func (r *connection) completeService(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return r.asks(cmd, func(ctx context.Context, c *client.Client) (words []cobra.Completion, err error) {
		all, err := c.Services(ctx)
		for _, s := range all {
			words = append(words, cobra.CompletionWithDesc(s.Name, s.State))
		}
		return words, err
	})
}

// completeActive proposes what can be cancelled.
func (r *connection) completeActive(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return r.deployments(cmd, "", func(d server.Deployment) bool { return !d.State.Ended() && !d.State.Switched() })
}

// completeRelease proposes what the service of a command line can go back to.
func (r *connection) completeRelease(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return r.deployments(cmd, append(args, "")[0], func(d server.Deployment) bool { return d.State == deployer.Succeeded })
}

func (r *connection) completeDeployment(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return r.deployments(cmd, "", func(server.Deployment) bool { return true })
}

// deployments proposes the ids of some, each with what it is.
func (r *connection) deployments(cmd *cobra.Command, service string, which func(server.Deployment) bool) ([]cobra.Completion, cobra.ShellCompDirective) {
	return r.asks(cmd, func(ctx context.Context, c *client.Client) (words []cobra.Completion, err error) {
		all, err := c.Deployments(ctx, service, completedFrom)
		all = slices.DeleteFunc(all, func(d server.Deployment) bool { return !which(d) })
		for _, d := range all[:min(len(all), screenful)] {
			words = append(words, cobra.CompletionWithDesc(d.ID, fmt.Sprintf("%s %s, %s ago, %s", d.Service, d.State, age(d.CreatedAt, time.Now()), tagOrDigest(d))))
		}
		return words, err
	})
}
