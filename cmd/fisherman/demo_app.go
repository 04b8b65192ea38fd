package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// demoAppName is the command that the demo's images run.
const demoAppName = "demo-app"

// newDemoApp is the app of the demo: it says which release it is.
func newDemoApp() *cobra.Command {
	return &cobra.Command{
		Use:    demoAppName,
		Hidden: true,
		Args:   exactly(cobra.NoArgs),
		RunE:   func(cmd *cobra.Command, _ []string) error { return demoApp(cmd.Context()) },
	}
}

func demoApp(ctx context.Context) error {
	app := &http.Server{
		Addr:              ":8080",
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, "release %s\n", os.Getenv("RELEASE")) // fails only when nobody reads it any more
		}),
	}
	failed := make(chan error, 1)
	go func() { failed <- app.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	err := app.Shutdown(ctx)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
