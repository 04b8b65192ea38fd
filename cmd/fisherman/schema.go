package main

import (
	"github.com/spf13/cobra"

	"fisherman/server/config"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of the configuration, with which editors complete and check it",
		Long: "The first line of fisherman.yaml tells editors with the YAML language server where it is:\n" +
			"`# yaml-language-server: $schema=fisherman.schema.json`.",
		Example: "  fisherman schema > /etc/fisherman/fisherman.schema.json",
		Args:    exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			schema, err := config.JSONSchema()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(schema)
			return err
		},
	}
}
