// Fisherman deploys apps from GitHub's webhooks to one machine: it queues each deployment durably, starts the new
// release beside the old one on the Docker Engine, waits until it is healthy and switches its own reverse proxy over.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fisherman/deployer"
	"fisherman/server/seal"
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
	cmd, err := root.ExecuteContextC(ctx)
	text, code := verdict(ctx, cmd, err)
	if text != "" {
		// Whoever has put an identity where something else belongs shall not find it in a log as well.
		fmt.Fprintf(os.Stderr, "fisherman: %s\n", printable(seal.HideIdentities(text)))
	}
	return code
}

// verdict is what to say of how a command ended, and the exit code.
func verdict(ctx context.Context, cmd *cobra.Command, err error) (text string, code int) {
	var usage usageError
	switch {
	case err == nil:
		return "", exitDone
	case errors.Is(err, errChanges):
		return "", exitChanges
	case errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown command"):
		return fmt.Sprintf("%s\nSee `%s --help`.", misspelt(err.Error()), cmd.CommandPath()), exitUsage
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return "interrupted", exitFailed
	}
	return err.Error(), exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:               "fisherman",
		Version:           versionText(),
		Short:             "Deploy apps to one machine from GitHub's webhooks, without dropping a request",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}, // there is one of our own
	}
	root.SetFlagErrorFunc(wrongFlag)
	root.SetHelpCommand(newHelp())
	root.AddCommand(newServe(), newInstall(), newForgetNames(), newCheck(), newSchema(), newImport(), newDemo(), newDemoApp(), newStatus(), newDeploy(),
		newRollback(), newCancel(), newHistory(), newLogs(), newRoutes(), newReconcile(), newPlan(), newCompletion(), newSecrets(), newVersion())
	return root
}

// misspelt puts what cobra says of an unknown command, and the command that was probably meant, into one line.
func misspelt(text string) string {
	text, meant, found := strings.Cut(text, "\n\nDid you mean this?\n")
	if !found {
		return text
	}
	return fmt.Sprintf("%s; did you mean %s?", text, strings.Join(strings.Fields(meant), " or "))
}

// newHelp is cobra's own, but that a command it does not know is wrong usage.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show how a command is used",
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, _, err := cmd.Root().Find(args)
			if err != nil {
				return usageError{err}
			}
			return asked.Help()
		},
	}
}

// wrongFlag makes what is wrong with a flag wrong usage, and names the one that was probably meant.
func wrongFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &invalid):
		kinds := map[string]string{"int": "a number", "bool": "true or false"}
		f := invalid.GetFlag()
		err = fmt.Errorf("--%s %q: write %s", f.Name, invalid.GetValue(), cmp.Or(kinds[f.Value.Type()], "a "+f.Value.Type()))
	case errors.As(err, &unknown):
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := deployer.Nearest(unknown.GetSpecifiedName(), known); len(near) > 0 {
			err = fmt.Errorf("%w; did you mean --%s?", err, near[0])
		}
	}
	return usageError{err}
}

// exactly is an argument check that counts as wrong usage when it fails. An empty argument always does: a script's variable
// that is not set must not mean all services, or the tag that is followed.
func exactly(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil && !slices.Contains(args, "") {
			return nil
		}
		written := cmd.CommandPath()
		for _, a := range args {
			written += " " + cmp.Or(a, `""`)
		}
		err := fmt.Errorf("`%s` is not how it is written: `%s %s`", written, cmd.Parent().CommandPath(), cmd.Use)
		if len(cmd.ValidArgs) > 0 {
			err = fmt.Errorf("%w, with one of %s", err, strings.Join(cmd.ValidArgs, ", "))
		}
		return usageError{err}
	}
}

// required reads a flag that a command cannot do without.
func required(cmd *cobra.Command, flag, value string) error {
	if value == "" {
		return usageError{fmt.Errorf("%s needs --%s", cmd.Name(), flag)}
	}
	return nil
}
