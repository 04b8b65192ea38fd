package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"
)

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", health)
	mux.HandleFunc("/slow", slow)
	mux.HandleFunc("/echo", count)
	mux.HandleFunc("/headers", headers)
	mux.HandleFunc("/whoami", whoami)
	mux.HandleFunc("/sse", events)
	mux.HandleFunc("/ws", echo)
	mux.HandleFunc("/file", file)
	mux.HandleFunc("/environment/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%x", sha256.Sum256([]byte(os.Getenv(r.PathValue("name"))))) // tests look for secrets in answers, too
	})
	mux.HandleFunc("/eat", func(_ http.ResponseWriter, r *http.Request) {
		mib, _ := strconv.Atoi(r.URL.Query().Get("mib"))
		eat(mib)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, env("VERSION", "1"))
	})
	return infectious(mux)
}

// infectious answers 500 to everything, its own health included, from the first request for /sicken on.
func infectious(next http.Handler) http.Handler {
	var sick atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sicken" {
			sick.Store(true)
		}
		if sick.Load() {
			http.Error(w, "sick", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// eat takes memory and keeps it for as long as the process lives.
func eat(mib int) {
	eaten := make([]byte, mib<<20)
	for i := range eaten {
		eaten[i] = 1 // a page that is not written to is not taken
	}
	go func() {
		defer runtime.KeepAlive(eaten)
		select {}
	}()
}

func health(w http.ResponseWriter, r *http.Request) {
	switch {
	case os.Getenv("REDIRECT") != "":
		http.Redirect(w, r, os.Getenv("REDIRECT"), http.StatusFound)
	case os.Getenv("UNHEALTHY") != "":
		http.Error(w, "not well", http.StatusServiceUnavailable)
	default:
		_, _ = io.WriteString(w, "ok")
	}
}

// slow answers the version after ?ms= milliseconds.
func slow(w http.ResponseWriter, r *http.Request) {
	ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		_, _ = io.WriteString(w, env("VERSION", "1"))
	case <-r.Context().Done():
	}
}

// count answers how many bytes the body had.
func count(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprint(w, n)
}

// headers answers what the request looked like when it arrived.
func headers(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "host": r.Host, "uri": r.RequestURI, "remote": r.RemoteAddr, "headers": r.Header,
	})
}

// file answers what the file at ?path= is: its mode, its owner and its content.
func file(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Query().Get("path")
	info, err := os.Stat(path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	content, err := os.ReadFile(path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	owner := info.Sys().(*syscall.Stat_t)
	_, _ = fmt.Fprintf(w, "%o %d:%d %s", info.Mode().Perm(), owner.Uid, owner.Gid, content)
}

// events sends the version as a server-sent event ten times a second until the client leaves.
func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(w)
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		if _, err := fmt.Fprintf(w, "data: %s\n\n", env("VERSION", "1")); err != nil || stream.Flush() != nil {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			tick.Stop()
			return
		}
	}
}

// echo sends every WebSocket message back.
func echo(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer func() { _ = socket.CloseNow() }()
	for {
		kind, message, err := socket.Read(r.Context())
		if err != nil || socket.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}
