package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"fisherman/server/config"
)

func newCheck() *cobra.Command {
	var location string
	cmd := &cobra.Command{
		Use:     "check --config LOCATION",
		Short:   "Report every problem of a configuration at once",
		Example: "  fisherman check --config /etc/fisherman/fisherman.yaml",
		Args:    exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(cmd, location)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is fine: %d services\n", location, len(c.Services))
			return err
		},
	}
	cmd.Flags().StringVar(&location, "config", "", "path of the configuration")
	return cmd
}

// loadConfig reads a configuration; its problems are an error of one line each.
func loadConfig(cmd *cobra.Command, location string) (*config.Config, error) {
	if err := required(cmd, "config", location); err != nil {
		return nil, err
	}
	c, err := config.Load(location, os.LookupEnv)
	var problems config.Problems
	if errors.As(err, &problems) {
		return nil, fmt.Errorf("%s has %d problems:\n%w", location, len(problems), problems)
	}
	return c, err
}
