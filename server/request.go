package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/rs/zerolog"
)

// requestID is the header by which an answer and the lines of the log find each other.
const requestID = "X-Request-Id"

const (
	bodyWithin   = 10 * time.Second // GitHub waits no longer than this for a whole delivery either
	answerWithin = 30 * time.Second // from the request to the end of the answer, unless it streams
)

// request gives every request an id and a logger, catches panics, and leaves a line in the log. The line holds neither
// query, headers nor body: secrets travel there.
func (s *Server) request(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, id := time.Now(), rand.Text()[:12]
		log := s.Log.With().Str("request", id).Logger()
		answer := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		answer.Header().Set(requestID, id)
		answer.Header().Set("X-Content-Type-Options", "nosniff") // what an app logs is never HTML
		r = r.WithContext(log.WithContext(r.Context()))
		defer func() {
			if p := recover(); p != nil {
				caught(answer, r, p)
			}
			log.Debug().Str("method", r.Method).Str("path", r.URL.Path).Int("status", answer.Status()).
				Dur("took", time.Since(start)).Msg("request")
		}()
		next.ServeHTTP(answer, r)
	})
}

// caught answers a request whose handler panicked. Where the answer had begun, it ends in the middle, so that nobody
// takes it for whole.
func caught(w middleware.WrapResponseWriter, r *http.Request, panicked any) {
	if panicked == http.ErrAbortHandler { //nolint:errorlint // a panic's value is the sentinel itself: a handler's way to do just that
		panic(panicked)
	}
	err := fmt.Errorf("panic: %v\n%s", panicked, debug.Stack())
	if w.Status() != 0 {
		zerolog.Ctx(r.Context()).Error().Err(err).Msg("answer cut short")
		panic(http.ErrAbortHandler)
	}
	fail(w, r, err)
}

// bounded gives a request's body a deadline, also where no handler reads it: the connection is read to the body's end
// before it takes another request. The deadline is off again with the next request.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// A writer that knows no deadlines belongs to a test or to a server with its own.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyWithin))
		}
		next.ServeHTTP(w, r)
	})
}

// patient is the context of what is answered in one piece: it goes on when the client leaves or the server stops, so
// that a command is never half carried out, and ends by itself.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
}
