package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"fisherman/server"
)

// release is set by the linker (-X main.release=v1.2.3) when a release is built.
var release string //nolint:gochecknoglobals // the linker can set nothing else

func newVersion() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print version, commit and Go version",
		Example: "  fisherman version\n  fisherman version --json",
		Args:    exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if v := version(); asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]string{"version": v.Version, "commit": v.Commit, "go": v.Go})
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "fisherman", versionText())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// versionText follows a word or two in cobra's own output: a template of ours would be the one thing in this program that asks for
// methods by name, and the linker would then have to keep all of the AWS and Docker clients.
func versionText() string {
	v := version()
	return fmt.Sprintf("%s, commit %s, %s", v.Version, v.Commit, v.Go)
}

// version is what this binary was built from.
func version() server.Version {
	v := server.Version{Version: server.Unreleased, Commit: "unknown", Go: runtime.Version()}
	if release != "" {
		v.Version = release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Commit = s.Value
		}
	}
	return v
}
