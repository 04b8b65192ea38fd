package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"fisherman/deployer/docker"
)

// newForgetNames is what fisherman-names.service runs.
func newForgetNames() *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use:    "forget-names",
		Short:  "Make the names of services lead nowhere until a server has listed the containers",
		Hidden: true,
		Args:   exactly(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			engine, err := docker.New(docker.Options{Hosts: filepath.Join(state, hostsDirectory)})
			if err != nil {
				return err
			}
			defer func() { _ = engine.Close() }() // it was asked nothing
			return engine.SetNames(nil)
		},
	}
	cmd.Flags().StringVar(&state, "state", defaultState, "the state directory")
	return cmd
}
