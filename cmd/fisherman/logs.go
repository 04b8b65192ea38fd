package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"fisherman/server"
	"fisherman/server/client"
)

// reading is whose output a person wants, and how much of it.
type reading struct {
	connection
	client.LogOptions
	deployment string
}

func newLogs() *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use:   "logs SERVICE [-f]",
		Short: "Show what a service's containers print, or with --deployment ID a deployment's own log",
		Long: "Shows what the containers of a service's live release print; where there are several, each line says which it is from.\n" +
			"Followed, it goes on with the next release, after a line that names it, until Ctrl-C.\n\n" +
			"With --deployment it shows what a deployment did, step by step; followed, until it has ended.",
		Example: "  fisherman logs web -f\n  fisherman logs web --since 10m --tail 100\n  fisherman logs web --since 2026-11-23T08:15:00Z\n" +
			"  fisherman logs --deployment 01JDQ8K3V7Z9X2M4N6P8R0T1V3 -f",
		Args:              exactly(cobra.MaximumNArgs(1)),
		ValidArgsFunction: r.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.check(cmd, args); err != nil {
				return err
			}
			c, err := r.connect()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("deployment") {
				err = r.deploymentLog(cmd, c)
			} else {
				err = r.output(cmd, c, args[0])
			}
			if r.Follow && cmd.Context().Err() != nil {
				return nil // that is how following ends
			}
			return err
		},
	}
	r.flags(cmd)
	cmd.Flags().BoolVarP(&r.Follow, "follow", "f", false, "go on with what comes")
	cmd.Flags().StringVar(&r.Since, "since", "", "only from then on: how long ago, such as 10m, or a time such as 2026-11-23T08:15:00Z")
	cmd.Flags().IntVar(&r.Tail, "tail", 0, "only the last lines of each container, so many; 0 is all")
	cmd.Flags().StringVar(&r.deployment, "deployment", "", "the log of this deployment instead: its id, or the beginning or end of that")
	complete(cmd, "deployment", r.completeDeployment)
	return cmd
}

// check finds what makes no sense.
func (r *reading) check(cmd *cobra.Command, args []string) error {
	_, ok := server.Since(r.Since, time.Now())
	own := cmd.Flags().Changed("deployment")
	switch {
	case !own && len(args) == 0:
		return usageError{errors.New("whose logs? Write `fisherman logs SERVICE` or `fisherman logs --deployment ID`")}
	case own && len(args) > 0:
		return usageError{errors.New("a service's output or a deployment's log: leave out SERVICE or --deployment")}
	case own && (cmd.Flags().Changed("since") || cmd.Flags().Changed("tail")):
		return usageError{errors.New("--since and --tail choose from a service's output; leave them out, a deployment's log is short")}
	case cmd.Flags().Changed("since") && !ok:
		return usageError{fmt.Errorf("--since %q: write how long ago, such as 10m, or a time such as 2006-01-02T15:04:05Z", r.Since)}
	case r.Tail < 0:
		return usageError{fmt.Errorf("--tail %d: write a number of lines; 0 is all", r.Tail)}
	}
	return nil
}

func (r *reading) deploymentLog(cmd *cobra.Command, c *client.Client) error {
	d, err := findDeployment(cmd.Context(), c, r.deployment)
	if err != nil {
		return err
	}
	output, err := c.DeploymentLog(cmd.Context(), d.ID, r.Follow)
	if err != nil {
		return err
	}
	if _, err = printOutput(cmd, output); err != nil || !r.Follow {
		return err
	}
	if d, err = c.Deployment(cmd.Context(), d.ID); err == nil && !d.State.Ended() {
		err = fmt.Errorf("the connection was lost, and deployment %s is still %s; run the command again", d.ID, d.State)
	}
	return err
}

// errPrint is what is wrong with where output goes, and not with where it comes from.
var errPrint = errors.New("cannot print logs")

// output prints what a service's containers say. Followed, it outlives a restart of the server.
func (r *reading) output(cmd *cobra.Command, c *client.Client, service string) error {
	output, err := c.Logs(cmd.Context(), service, r.LogOptions)
	for err == nil {
		heard, lost := printOutput(cmd, output)
		if !r.Follow || cmd.Context().Err() != nil || errors.Is(lost, errPrint) {
			return lost
		}
		fmt.Fprintln(cmd.ErrOrStderr(), "fisherman: the server is away; waiting for it, a minute at most")
		output, err = r.goOn(cmd.Context(), c, service, heard)
	}
	return err
}

// goOn follows a service's output again, from the moment on at which something was heard last.
func (r *reading) goOn(ctx context.Context, c *client.Client, service string, heard time.Time) (io.ReadCloser, error) {
	waiting, stop := context.WithTimeout(ctx, serverPause)
	defer stop()
	err := context.Canceled
	for pause(waiting, retryPause) {
		r.Since, r.Tail = time.Since(heard).String(), 0 // how long ago: the server has a clock of its own
		var output io.ReadCloser
		if output, err = c.Logs(ctx, service, r.LogOptions); !isAway(err) {
			return output, err
		}
	}
	return nil, err
}

// printOutput prints a stream: byte for byte, but on a terminal without what could do something to it. It returns when it
// heard the last of it.
func printOutput(cmd *cobra.Command, output io.ReadCloser) (heard time.Time, err error) {
	defer output.Close()
	from := &listener{output, time.Now(), nil}
	w, flush := cmd.OutOrStdout(), func() error { return nil }
	if t := terminalOf(w); t != nil {
		safe := &harmless{terminal: t}
		w, flush = safe, safe.flush
	}
	_, err = io.Copy(w, from)
	err = errors.Join(err, flush())
	switch {
	case from.err != nil:
		err = fmt.Errorf("read logs: %w; run the command again", err)
	case err != nil:
		err = fmt.Errorf("%w: %w", errPrint, err)
	}
	return from.heard, err
}

// listener reads, and knows when it heard something last and what went wrong.
type listener struct {
	io.Reader
	heard time.Time
	err   error
}

func (l *listener) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if n > 0 {
		l.heard = time.Now()
	}
	if !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}
