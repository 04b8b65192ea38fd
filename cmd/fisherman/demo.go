package main

import (
	"context"
	"crypto/rand"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"fisherman/server/client"
	"fisherman/server/config"
)

func newDemo() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "demo [--once]",
		Short: "Show the whole story on this machine, with nothing but Docker",
		Long: "Serves a registry from its own process, makes two releases of a tiny app, and deploys them by signed webhooks\n" +
			"while requests go through the proxy all the time. Leaves nothing behind.",
		Example: "  fisherman demo\n  fisherman demo --once",
		Args:    exactly(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := onLinux(cmd); err != nil {
				return err
			}
			return demonstrate(cmd.Context(), cmd.OutOrStdout(), once)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "stop after the story; exit 1 if any request failed")
	return cmd
}

const (
	demoHost    = "demo.localhost"
	demoOwner   = "fisherman/demo"
	demoTimeout = 2 * time.Minute
)

var errInterrupted = errors.New("interrupted before the end of the story; what it had made is removed")

// demo is the stage: a registry, a server with a state directory and a network of its own, and one app.
type demo struct {
	out      io.Writer
	begun    time.Time
	registry *demoRegistry
	program  *program
	api      *client.Client
	secret   string // of the webhook
}

// demonstrate sets the stage, plays the story and clears everything away.
func demonstrate(ctx context.Context, out io.Writer, once bool) (err error) {
	d := &demo{out: out, begun: time.Now(), secret: rand.Text()}
	if err := staticBinary(); err != nil {
		return err
	}
	state, err := os.MkdirTemp("", "fisherman-demo-")
	if err != nil {
		return fmt.Errorf("make a state directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
	if d.registry, err = openDemoRegistry(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.registry.close()) }()
	if err := d.prepare(ctx, state); err != nil {
		return err
	}
	story := func(ctx context.Context) error {
		err := d.play(ctx, once)
		if err != nil && ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	return errors.Join(inOrder(ctx, []part{story, d.program.run}), d.purge(ctx))
}

// prepare builds the program from a configuration like anybody's.
func (d *demo) prepare(ctx context.Context, state string) error {
	network := "fisherman-demo-" + strings.ToLower(rand.Text()[:8])
	c, err := config.Parse([]byte(fmt.Sprintf(`
github: { secret: %q }
server: { listen: "127.0.0.1:0" }
proxy: { http: "127.0.0.1:0" }
docker: { network: %s }
state: %s
services:
  demo:
    repository: %s
    image: %s/%s
    routes: [{ host: %s, port: 8080, tls: "off" }]
    health: { path: /health }
`, d.secret, network, state, demoOwner, d.registry.address, demoOwner, demoHost)), os.LookupEnv)
	if err != nil {
		return fmt.Errorf("configure the demo: %w", err)
	}
	if d.program, err = build(ctx, settings{Config: c, Log: zerolog.New(os.Stderr).Level(zerolog.ErrorLevel), pause: dockerPause}); err != nil {
		return err
	}
	// An interrupt comes later: the engine would finish the network unseen, and it would stay behind.
	if err := d.program.engine.Ready(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(err, d.program.close())
	}
	d.api, err = client.New("http://"+d.program.listener.Addr().String(), d.program.token)
	return err
}

// purge removes containers, images and the network, also after an interrupt.
func (d *demo) purge(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	engine, err := openEngine(d.program.settings)
	if err != nil {
		return err
	}
	return errors.Join(engine.Purge(ctx), engine.Forget(ctx, d.registry.address+"/"+demoOwner), engine.Close())
}

// say prints a line with the time since the beginning.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "%6.2fs  %s\n", time.Since(d.begun).Seconds(), fmt.Sprintf(format, args...))
}

// staticBinary refuses a binary that would not run in an image of nothing else.
func staticBinary() error {
	path, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's file: %w", err)
	}
	file, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("read this program's file: %w", err)
	}
	defer file.Close()
	if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return errors.New("this binary is linked dynamically, and the demo's image holds nothing but it; build it with CGO_ENABLED=0 go build ./cmd/fisherman")
	}
	return nil
}
