package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fisherman/server/config/legacy"
)

// predecessors are what a configuration can be taken over from.
func predecessors() map[string]func([]byte) (*legacy.Imported, error) {
	return map[string]func([]byte) (*legacy.Imported, error){"f2": legacy.F2, "fisherman": legacy.Fisherman}
}

func newImport() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "import f2|fisherman FILE",
		Short: "Write a fisherman.yaml from f2's configuration or the first fisherman's fisherman.yml",
		Long: "What could not be carried over, or not as it was, is listed on stderr: the key, why, and what to do. What is a\n" +
			"secret by its key, its name or its form is not in the new file, which refers to the environment in its place.",
		Example: "  fisherman import f2 config.yaml -o /etc/fisherman/fisherman.yaml\n  fisherman import fisherman fisherman.yml | less",
		Args:    exactly(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			imported, err := importFrom(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			if err := writeImported(cmd.OutOrStdout(), out, imported.Config); err != nil {
				return err
			}
			_, err = io.WriteString(cmd.ErrOrStderr(), leftovers(imported, cmp.Or(out, "FILE")))
			return err
		},
		ValidArgs: []string{"f2", "fisherman"},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write; it must not exist yet (default stdout)")
	return cmd
}

func importFrom(ctx context.Context, predecessor, file string) (*legacy.Imported, error) {
	read, known := predecessors()[predecessor]
	if !known {
		return nil, usageError{fmt.Errorf("import knows `f2` and `fisherman`, not %q", predecessor)}
	}
	raw, err := untilStopped(ctx, func() ([]byte, error) {
		old, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer old.Close()
		return io.ReadAll(io.LimitReader(old, legacy.MaxSize+1))
	})
	if err != nil {
		return nil, fmt.Errorf("read the old configuration: %w", err)
	}
	imported, err := read(raw)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be taken over from %s: %w", file, predecessor, err)
	}
	imported.Check()
	return imported, nil
}

// writeImported never replaces a file: it may be the one that somebody has mended by hand.
func writeImported(stdout io.Writer, out string, content []byte) error {
	if out == "" {
		_, err := stdout.Write(content)
		return err
	}
	if _, err := os.Lstat(out); err == nil {
		return fmt.Errorf("%s exists; name another file, or move it away", out)
	}
	temporary, err := os.CreateTemp(filepath.Dir(out), ".fisherman-import-*")
	if err != nil {
		return fmt.Errorf("write the new configuration: %w", err)
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Link(temporary.Name(), out)
	}
	if err != nil {
		return fmt.Errorf("write the new configuration: %w", err)
	}
	return nil
}

// leftovers is what a person has to do now.
func leftovers(imported *legacy.Imported, file string) string {
	var b strings.Builder
	if len(imported.Left) > 0 {
		b.WriteString("Not carried over, or not as it was:\n")
		for _, l := range imported.Left {
			fmt.Fprintf(&b, "  %s\n", printable(l.String()))
		}
	}
	fmt.Fprintf(&b, "Set in the environment: %s\nThen look at it: fisherman check --config %s\n", strings.Join(imported.Variables, ", "), printable(file))
	return b.String()
}
