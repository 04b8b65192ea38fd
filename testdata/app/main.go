// Command app is the small web app that tests deploy. Its behaviour comes from the environment:
//
//	PORT       what it listens on (default 8080)
//	ADMIN      another port it listens on, where it answers "admin" and what VERSION is
//	VERSION    what it answers on every path it does not know (default "1")
//	BOOT       how long it takes before it listens ("300ms"; default at once)
//	UNHEALTHY  /health answers 503 when set
//	REDIRECT   /health answers 302 to this target when set
//	EXIT       exit with this code instead of listening, with LASTLINE (default "no database") on stderr
//	EAT        take that many MiB of memory before it listens, and keep them
//
// With the argument "healthcheck" it exits 0 when its own /health is 2xx: an image's HEALTHCHECK command. With "task" it
// does what the other arguments say and exits: see task.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "healthcheck" {
		os.Exit(healthcheck())
	}
	if len(os.Args) > 1 && os.Args[1] == "task" && os.Getenv("EXIT") == "" {
		os.Exit(task(os.Args[2:]))
	}
	if code, err := strconv.Atoi(os.Getenv("EXIT")); err == nil {
		fmt.Println("starting version", env("VERSION", "1"))
		fmt.Fprintln(os.Stderr, env("LASTLINE", "no database"))
		os.Exit(code)
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers until SIGTERM, and from then on until no request is in flight.
func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if boot, err := time.ParseDuration(os.Getenv("BOOT")); err == nil {
		time.Sleep(boot)
	}
	if mib, err := strconv.Atoi(os.Getenv("EAT")); err == nil {
		eat(mib)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+env("PORT", "8080"))
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr(), "as version", env("VERSION", "1"))
	if port := os.Getenv("ADMIN"); port != "" {
		admin := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "admin ", env("VERSION", "1")) })
		go func() { fmt.Fprintln(os.Stderr, http.ListenAndServe(":"+port, admin)) }()
	}

	var inFlight atomic.Int64
	server := &http.Server{Handler: counted(&inFlight, routes()), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	fmt.Println("got SIGTERM with", inFlight.Load(), "in flight")
	err = server.Shutdown(context.Background())
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		return served
	}
	return err
}

// counted counts the requests in flight.
func counted(n *atomic.Int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		defer n.Add(-1)
		next.ServeHTTP(w, r)
	})
}

func healthcheck() int {
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+env("PORT", "8080")+"/health", nil)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		fmt.Println("/health answers", answer.Status)
		return 1
	}
	return 0
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
