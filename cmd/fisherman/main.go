// Fisherman deploys apps from GitHub's webhooks to one machine: it queues each deployment durably, starts the new
// release beside the old one on the Docker Engine, waits until it is healthy and switches its own reverse proxy over.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a command line that makes no sense.
type usageError struct{ error }

// run carries out a command line and returns the exit code.
func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown command"):
		fmt.Fprintf(os.Stderr, "fisherman: %v\nSee `fisherman --help`.\n", err)
		return exitUsage
	default:
		fmt.Fprintf(os.Stderr, "fisherman: %v\n", err)
		return exitFailed
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "fisherman",
		Short:         "Deploy apps to one machine from GitHub's webhooks, without dropping a request",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newServe(), newCheck(), newDemo(), newDemoApp(), newStatus(), newDeploy(), newVersion())
	return root
}

// exactly is an argument check that counts as wrong usage when it fails.
func exactly(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%s: %w", cmd.CommandPath(), err)}
		}
		return nil
	}
}

// required reads a flag that a command cannot do without.
func required(cmd *cobra.Command, flag, value string) error {
	if value == "" {
		return usageError{fmt.Errorf("%s needs --%s", cmd.CommandPath(), flag)}
	}
	return nil
}
