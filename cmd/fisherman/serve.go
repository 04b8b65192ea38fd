package main

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"
)

func newServe() *cobra.Command {
	var location, state string
	cmd := &cobra.Command{
		Use:     "serve --config LOCATION [--state DIR]",
		Short:   "Run the server",
		Example: "  fisherman serve --config /etc/fisherman/fisherman.yaml\n  fisherman serve --config s3://my-bucket/fisherman.yaml",
		Args:    exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := onLinux(cmd); err != nil {
				return err
			}
			passed, err := passedSockets()
			if err != nil {
				return err
			}
			s := settings{Log: newLog(), sockets: passed, pause: dockerPause}
			if s.from, err = openSource(cmd, location, s.Log); err != nil {
				return err
			}
			s.understand(cmd.Context(), state)
			if err := s.startConfig(cmd.Context(), state); err != nil {
				return err
			}
			if !onTerminal() {
				s.accessLog = os.Stderr
			}
			return serve(cmd.Context(), s)
		},
	}
	cmd.Flags().StringVar(&location, "config", "", locationUsage)
	cmd.Flags().StringVar(&state, "state", "", "directory of queue, history and route table, over the configuration's")
	return cmd
}

// serve builds the program, runs it until ctx ends and stops it in order.
func serve(ctx context.Context, s settings) error {
	p, err := build(ctx, s)
	if err != nil {
		return err
	}
	p.keep(s.raw)
	return p.run(ctx)
}

// onLinux refuses what needs containers that are reachable by address.
func onLinux(cmd *cobra.Command) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("%s runs on Linux only: it reaches containers by their address, which %s does not offer; run it on the server", cmd.CommandPath(), runtime.GOOS)
	}
	return nil
}
