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
			for _, warning := range warnings(c) {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", warning)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is fine: %d services\n", location, len(c.Services))
			return err
		},
	}
	cmd.Flags().StringVar(&location, "config", "", "path of the configuration")
	return cmd
}

// warnings are what is allowed and may not be what was meant.
func warnings(c *config.Config) []string {
	var all []string
	for _, s := range c.Services {
		for i, r := range s.Routes {
			if !r.Plain {
				all = append(all, fmt.Sprintf("services.%s.routes[%d].tls: this version makes no certificates and serves %s over plain HTTP; "+
					"terminate TLS in front of it, or write `tls: \"off\"`", s.Name, i, r.Host))
			}
		}
	}
	return all
}

// loadConfig reads a configuration; its problems are an error of one line each.
func loadConfig(cmd *cobra.Command, location string) (*config.Config, error) {
	if err := required(cmd, "config", location); err != nil {
		return nil, err
	}
	c, err := config.Load(location, os.LookupEnv)
	return c, cannotBeUsed(location, err)
}

// cannotBeUsed words the problems of a configuration, one a line.
func cannotBeUsed(location string, err error) error {
	var problems config.Problems
	if errors.As(err, &problems) {
		return fmt.Errorf("%s cannot be used:\n%w", location, problems)
	}
	return err
}
