package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fisherman/deployer"
	"fisherman/server/seal"
)

// identityVariable holds identities where no file is named, as it does for the configuration.
const identityVariable = "FISHERMAN_AGE_KEY"

func newSecrets() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secrets",
		Short: "Encrypt values of the configuration, and make the keys for it",
		Long: "Values are encrypted with age (https://age-encryption.org) to public recipients, and opened with the\n" +
			"private identities that belong to them. A configuration with such values can lie open.",
		Example: "  fisherman secrets keygen -o /etc/fisherman/identity.txt\n" +
			"  fisherman secrets encrypt --identity /etc/fisherman/identity.txt < password.txt",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
			if near := deployer.Nearest(args[0], []string{"keygen", "encrypt", "decrypt"}); len(near) > 0 {
				err = fmt.Errorf("%w; did you mean %s?", err, near[0])
			}
			return usageError{err}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeygen(), newEncrypt(), newDecrypt())
	return cmd
}

func newKeygen() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "keygen [-o FILE]",
		Short: "Make an identity and print its public recipient",
		Long: "Makes an identity, which is private, and prints its public recipient. Without a file the identity is\n" +
			"printed, and the recipient is on stderr.",
		Example: "  fisherman secrets keygen -o /etc/fisherman/identity.txt",
		Args:    exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, recipient, err := seal.Generate(time.Now().UTC().Format(time.RFC3339))
			if err != nil {
				return err
			}
			if path == "" {
				fmt.Fprintf(cmd.ErrOrStderr(), "Public recipient: %s\n", recipient)
				_, err = cmd.OutOrStdout().Write(file)
				return err
			}
			if err := writeNew(path, file); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s holds the identity; keep a copy where it is safe, and commit it nowhere.\nEncrypt to its public recipient:\n", path)
			_, err = fmt.Fprintln(cmd.OutOrStdout(), recipient)
			return err
		},
	}
	cmd.Flags().StringVarP(&path, "output", "o", "", "file to write the identity to; it must not exist")
	return cmd
}

// writeNew makes a file for its owner's eyes, and never replaces one: what an identity opens is lost without it.
func writeNew(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("write identity: %s exists, and what was encrypted to it would be lost; choose another name, or remove it yourself", path)
	}
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write identity: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}

func newEncrypt() *cobra.Command {
	var to []string
	var identity string
	var keep bool
	cmd := &cobra.Command{
		Use:   "encrypt --recipient RECIPIENT… | --identity FILE",
		Short: "Encrypt a value from stdin into a line for the configuration",
		Long: "Reads a value from stdin, or asks for it on a terminal without showing it, and prints one line to write as\n" +
			"`{ age: LINE }` wherever the configuration takes a secret. Any one of the recipients can open it.",
		Example: "  fisherman secrets encrypt --recipient age1… < password.txt\n  fisherman secrets encrypt --identity /etc/fisherman/identity.txt",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 { // not quoted
				return usageError{errors.New("a value is not given as an argument, which every user of this machine can see; give it on stdin")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			recipients, err := recipientsOf(cmd.Context(), to, identity)
			if err != nil {
				return err
			}
			text, err := secretInput(cmd)
			if err != nil {
				return err
			}
			if !keep {
				text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
			}
			if text == "" {
				return errors.New("there is nothing to encrypt; give the value on stdin, such as `fisherman secrets encrypt … < FILE`")
			}
			sealed, err := recipients.Seal(text)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), sealed)
			return err
		},
	}
	cmd.Flags().StringArrayVarP(&to, "recipient", "r", nil, "who can open it (age1…); once for each")
	cmd.Flags().StringVarP(&identity, "identity", "i", "", "file whose identities can open it")
	cmd.Flags().BoolVar(&keep, "keep-newline", false, "encrypt a line break at the end of the value, too")
	return cmd
}

func recipientsOf(ctx context.Context, to []string, identity string) (seal.Recipients, error) {
	recipients, err := seal.ParseRecipients(to)
	if err != nil {
		return nil, usageError{err}
	}
	if identity != "" {
		own, err := readIdentities(ctx, identity)
		if err != nil {
			return nil, err
		}
		recipients = append(recipients, own.Recipients()...)
	}
	if len(recipients) == 0 {
		return nil, usageError{errors.New("nobody could open it; name a --recipient (age1…), or the --identity that is to")}
	}
	return recipients, nil
}

func newDecrypt() *cobra.Command {
	var identity string
	cmd := &cobra.Command{
		Use:   "decrypt [--identity FILE]",
		Short: "Decrypt a value from stdin",
		Long: "Reads what `fisherman secrets encrypt` has printed, or an armoured age block, from stdin and prints the value as\n" +
			"it was. Without a file the identities are taken from the environment variable " + identityVariable + ".",
		Example: "  fisherman secrets decrypt --identity /etc/fisherman/identity.txt < line.txt",
		Args:    exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			identities, err := readIdentities(cmd.Context(), identity)
			if err != nil {
				return err
			}
			sealed, err := untilStopped(cmd.Context(), func() ([]byte, error) { return io.ReadAll(io.LimitReader(cmd.InOrStdin(), longestSealed)) })
			if err != nil {
				return fmt.Errorf("read stdin: %w", err)
			}
			text, err := identities.Open(string(sealed))
			if err != nil {
				return fmt.Errorf("the value on stdin %w", err)
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().StringVarP(&identity, "identity", "i", "", "file with the identity that opens it ("+identityVariable+")")
	return cmd
}

// longestSealed is more than any value needs, encrypted to however many.
const longestSealed = 1 << 20

func readIdentities(ctx context.Context, path string) (*seal.Identities, error) {
	if path == "" {
		text := os.Getenv(identityVariable)
		if text == "" {
			return nil, usageError{errors.New("nothing opens it; name the --identity file, or set " + identityVariable)}
		}
		identities, err := seal.ParseIdentities([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("%s %w", identityVariable, err)
		}
		return identities, nil
	}
	if seal.HoldsIdentity(path) {
		return nil, usageError{errors.New("this is the identity itself, and whoever lists processes can see it; name the file that holds it, or set " + identityVariable)}
	}
	raw, err := untilStopped(ctx, func() ([]byte, error) { return os.ReadFile(path) })
	if err != nil {
		return nil, fmt.Errorf("read identity: %w", err)
	}
	identities, err := seal.ParseIdentities(raw)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return identities, nil
}

// secretInput is a value from stdin, and from a person without showing it.
func secretInput(cmd *cobra.Command) (string, error) {
	var raw []byte
	var err error
	if file, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		fmt.Fprint(cmd.ErrOrStderr(), "Value (not shown): ")
		raw, err = hidden(cmd.Context(), int(file.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
	} else {
		raw, err = untilStopped(cmd.Context(), func() ([]byte, error) { return io.ReadAll(io.LimitReader(cmd.InOrStdin(), seal.MaxText+2)) })
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("read the value: %w", err)
	case len(raw) > seal.MaxText:
		return "", fmt.Errorf("the value is longer than %d bytes; a secret is shorter", seal.MaxText)
	case !utf8.Valid(raw):
		return "", errors.New("the value is something else than text (UTF-8); encrypt its base64 instead")
	}
	return string(raw), nil
}

// hidden reads a line from a terminal without showing it. Who stops it has the terminal as it was.
func hidden(ctx context.Context, terminal int) ([]byte, error) {
	was, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	raw, err := untilStopped(ctx, func() ([]byte, error) { return term.ReadPassword(terminal) })
	if ctx.Err() != nil {
		err = errors.Join(err, term.Restore(terminal, was))
	}
	return raw, err
}
