// Figures runs every benchmark that holds a figure the program is held to, and prints them as a table in Markdown, with
// the machine they were measured on.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

// run measures, shows on progress what go test says meanwhile, and prints the table.
func run(ctx context.Context, table, progress io.Writer) error {
	load := watchLoad(ctx)
	said, err := measure(ctx, progress)
	m := describe(ctx, load.stop())
	if err != nil {
		return err
	}
	return render(table, metrics(said), m)
}

func measure(ctx context.Context, progress io.Writer) (string, error) {
	var said bytes.Buffer
	test := exec.CommandContext(ctx, "go", "test", "./cmd/fisherman", "./proxy", "./deployer", "./deployer/journal",
		"-run", "^$", "-bench", ".", "-benchtime", "1x", "-timeout", "25m")
	test.Stdout, test.Stderr = io.MultiWriter(&said, progress), progress
	if err := test.Run(); err != nil {
		return "", fmt.Errorf("run the benchmarks: %w", err)
	}
	return said.String(), nil
}
