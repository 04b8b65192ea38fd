package main

import (
	"fmt"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"fisherman/deployer"
	"fisherman/server/config"
)

func newCheck() *cobra.Command {
	var location, environment string
	cmd := &cobra.Command{
		Use:   "check --config LOCATION",
		Short: "Report every problem of a configuration at once",
		Example: "  fisherman check --config /etc/fisherman/fisherman.yaml --env-file " + environmentFile + "\n" +
			"  fisherman check --config s3://my-bucket/fisherman.yaml",
		Args: exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if environment != "" {
				if err := setEnvironment(cmd.Context(), environment); err != nil {
					return fmt.Errorf("read --env-file: %w", err)
				}
			}
			from, err := openSource(cmd, location, zerolog.Nop())
			if err != nil {
				return err
			}
			c, err := readConfig(cmd.Context(), from, asTheyAre)
			if err != nil {
				return err
			}
			for _, warning := range warnings(c) {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", warning)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is fine: %s\n", location, amount(len(c.Services), "service"))
			return err
		},
	}
	cmd.Flags().StringVar(&location, "config", "", locationUsage)
	cmd.Flags().StringVar(&environment, "env-file", "", "take variables from this file, too, as systemd does for the server")
	return cmd
}

// warnings are what is allowed and may not be what was meant.
func warnings(c *config.Config) []string {
	if c.Proxy.SpeaksTLS() {
		return nil
	}
	var all []string
	for _, s := range c.Services {
		for i, r := range s.Routes {
			if r.TLS != deployer.TLSOff {
				all = append(all, fmt.Sprintf("services.%s.routes[%d].tls: without `proxy.acme` or `proxy.certificates` %s is served over plain HTTP; "+
					"write one of them, or terminate TLS in front of it and write `tls: \"off\"`", s.Name, i, r.Host))
			}
		}
	}
	return all
}
