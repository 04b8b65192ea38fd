package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"fisherman/server/config"
)

// installation is what `fisherman install` was asked for.
type installation struct {
	location, program, root string
	print, now              bool
	out                     io.Writer
	moved                   bool // a socket's unit was rewritten
}

func newInstall() *cobra.Command {
	var i installation
	cmd := &cobra.Command{
		Use:   "install --config LOCATION",
		Short: "Write the systemd units of this machine",
		Long: "Writes fisherman.service, the units of the sockets that systemd holds for it, and " + namesUnit + ", which comes\n" +
			"before Docker at boot, into " + unitDirectory + ", and an empty " + environmentFile + " (0600) for secrets\n" +
			"where there is none. What is there already is brought up to date; running it again changes nothing else. The sockets'\n" +
			"addresses are the configuration's; without certificates there is none for HTTPS.",
		Example: "  fisherman install --config /etc/fisherman/fisherman.yaml --now\n" +
			"  fisherman install --config s3://bucket/fisherman.yaml --print",
		Args: exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := onLinux(cmd); err != nil {
				return err
			}
			i.out = cmd.OutOrStdout()
			if i.now && (i.root != "/" || i.print) {
				return usageError{errors.New("--now starts what was written on this machine: leave out --root and --print")}
			}
			return i.run(cmd)
		},
	}
	cmd.Flags().StringVar(&i.location, "config", "", locationUsage)
	cmd.Flags().StringVar(&i.program, "program", "", "path of fisherman in ExecStart= (default: this program's)")
	cmd.Flags().StringVar(&i.root, "root", "/", "write below this directory, for an image; nothing is told to systemd")
	cmd.Flags().BoolVar(&i.print, "print", false, "print the units and write nothing")
	cmd.Flags().BoolVar(&i.now, "now", false, "also enable the units and start, or restart, fisherman")
	return cmd
}

func (i *installation) run(cmd *cobra.Command) error {
	if err := i.locate(cmd); err != nil {
		return err
	}
	c, err := i.configuration(cmd)
	var misused usageError
	switch {
	case errors.As(err, &misused):
		return err
	case err != nil:
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %v\nThe sockets get the addresses that are the default. Run this again once the configuration can be read.\n", err)
		c = defaultAddresses()
	}
	b, err := newBox(i.program, i.location, c, err != nil || c.Proxy.SpeaksTLS())
	if err != nil {
		return err
	}
	files, err := b.files()
	if err != nil {
		return err
	}
	if i.print {
		for _, f := range files {
			fmt.Fprintf(i.out, "# %s\n%s\n", f.path, f.content)
		}
		return nil
	}
	if err := i.write(b, files); err != nil {
		return err
	}
	for _, s := range b.Needless {
		if err := i.remove(cmd.Context(), s.Unit()); err != nil {
			return err
		}
	}
	return i.tell(cmd.Context(), b)
}

// locate makes absolute what a unit names, since systemd runs it elsewhere.
func (i *installation) locate(cmd *cobra.Command) (err error) {
	from, err := openSource(cmd, i.location, zerolog.Nop())
	if err != nil {
		return err
	}
	i.location = from.Location()
	if i.program == "" {
		if i.program, err = os.Executable(); err != nil {
			return fmt.Errorf("find this program: %w; name it with --program", err)
		}
	}
	if !filepath.IsAbs(i.program) {
		return usageError{fmt.Errorf("--program %q: write an absolute path", i.program)}
	}
	return nil
}

// configuration reads it as the server will: with the variables of the environment file.
func (i *installation) configuration(cmd *cobra.Command) (*config.Config, error) {
	if err := setEnvironment(cmd.Context(), filepath.Join(i.root, environmentFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	location := i.location
	if i.root != "/" && filepath.IsAbs(location) {
		location = filepath.Join(i.root, location)
	}
	from, err := openSource(cmd, location, zerolog.Nop())
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(cmd.Context(), startPatience)
	defer stop()
	return readConfig(ctx, from, nil)
}

// setEnvironment makes what an environment file says this process's environment.
func setEnvironment(ctx context.Context, file string) error {
	raw, err := untilStopped(ctx, func() ([]byte, error) { return os.ReadFile(file) })
	if err != nil {
		return err
	}
	for name, value := range variables(string(raw)) {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// variables reads an environment file: systemd.exec(5), without its continued lines.
func variables(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found || strings.HasPrefix(name, "#") || strings.HasPrefix(name, ";") {
			continue
		}
		if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		all[name] = value
	}
	return all
}

// defaultAddresses are those of a configuration that says nothing about them.
func defaultAddresses() *config.Config {
	c := &config.Config{}
	for _, k := range config.Keys() {
		switch k.Path {
		case "proxy.http":
			c.Proxy.HTTP = k.Default
		case "proxy.https":
			c.Proxy.HTTPS = k.Default
		case "server.listen":
			c.Server.Listen = k.Default
		case "state":
			c.State = k.Default
		}
	}
	return c
}

// write brings files up to date, each whole, and makes what they need.
func (i *installation) write(b box, files []file) error {
	for _, directory := range b.Writable {
		if err := os.MkdirAll(filepath.Join(i.root, directory), 0o700); err != nil {
			return fmt.Errorf("make what the server writes to: %w", err)
		}
	}
	for _, f := range files {
		if err := i.place(f, 0o644, true); err != nil {
			return err
		}
	}
	return i.place(file{environmentFile, ""}, 0o600, false)
}

// place brings one file up to date. What is not to be replaced stays as it is.
func (i *installation) place(f file, mode fs.FileMode, replace bool) error {
	path := filepath.Join(i.root, f.path)
	there, err := os.ReadFile(path)
	switch {
	case err == nil && (!replace || string(there) == f.content):
		fmt.Fprintf(i.out, "unchanged  %s\n", path)
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write %s: %w; run this as root", path, err)
	}
	rewritten := err == nil
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w; run this as root", path, err)
	}
	if err := writeWhole(path, f.content, mode); err != nil {
		return fmt.Errorf("write %s: %w; run this as root", path, err)
	}
	fmt.Fprintf(i.out, "written    %s\n", path)
	i.moved = i.moved || rewritten && strings.HasSuffix(path, ".socket")
	return nil
}

// remove takes away the unit of a socket that an earlier configuration needed.
func (i *installation) remove(ctx context.Context, unit string) error {
	path := filepath.Join(i.root, unitDirectory, unit)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if i.root == "/" && systemdRuns() {
		if err := systemctl(ctx, "disable --now "+unit); err != nil {
			return err
		}
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove %s: %w; run this as root", path, err)
	}
	fmt.Fprintf(i.out, "removed    %s\n", path)
	return nil
}

// systemctlWithin bounds a command to systemd: a start waits until the server serves, a stop for what is in flight.
const systemctlWithin = 3 * time.Minute

// tell tells systemd what was written, and the person what is left to do.
func (i *installation) tell(ctx context.Context, b box) error {
	units := []string{serviceUnit}
	for _, s := range b.Sockets {
		units = append(units, s.Unit())
	}
	all := strings.Join(units, " ")
	restart := []string{"restart " + serviceUnit}
	if i.moved {
		// systemd opens no socket while the service runs, and any of them may start it.
		restart = []string{"stop " + all, "start " + all}
	}
	commands := append([]string{"daemon-reload", "enable " + namesUnit + " " + all}, restart...)
	if i.root != "/" || !systemdRuns() {
		_, err := fmt.Fprintf(i.out, "\nsystemd does not run here. In the image: systemctl --root=%s enable %s %s\n", i.root, namesUnit, all)
		return err
	}
	if !i.now {
		commands = commands[:1]
	}
	for _, c := range commands {
		if err := systemctl(ctx, c); err != nil {
			return err
		}
	}
	if i.now {
		_, err := fmt.Fprintf(i.out, "\nfisherman runs. Its log: journalctl -u fisherman -f\n")
		return err
	}
	if i.moved {
		_, err := fmt.Fprintf(i.out, "\nNext, because a socket was moved:\n  systemctl %s\n", strings.Join(restart, "\n  systemctl "))
		return err
	}
	_, err := fmt.Fprintf(i.out, "\nNext: write the configuration and, into %[2]s, what it takes from the environment; then\n"+
		"  fisherman check --config %[1]s --env-file %[2]s\n  fisherman install --config %[1]s --now\n", i.location, environmentFile)
	return err
}

func systemdRuns() bool { // sd_booted(3)
	_, err := os.Lstat("/run/systemd/system")
	return err == nil
}

func systemctl(ctx context.Context, command string) error {
	ctx, stop := context.WithTimeout(ctx, systemctlWithin)
	defer stop()
	out, err := exec.CommandContext(ctx, "systemctl", strings.Fields(command)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("systemctl %s: %w: %s; the units are written; see `journalctl -u fisherman`", command, err, strings.TrimSpace(string(out)))
	}
	return nil
}
