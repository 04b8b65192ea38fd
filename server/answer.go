package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"fisherman/deployer"
)

// handler answers a request, or returns why it did not.
type handler func(w http.ResponseWriter, r *http.Request) error

// handle makes a handler speak HTTP.
func (s *Server) handle(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			fail(w, r, err)
		}
	}
}

// json makes a function that returns a value speak HTTP.
func (s *Server) json(status int, f func(*http.Request) (any, error)) http.HandlerFunc {
	return s.handle(func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := patient(r.Context())
		defer cancel()
		value, err := f(r.WithContext(ctx))
		if err != nil {
			return err
		}
		write(w, r, status, value)
		return nil
	})
}

// refusal is an answer that is no success, in words for whoever asked.
type refusal struct {
	status int
	text   string
	cause  error // for the log alone; nil when the text says all
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, text: fmt.Sprintf(format, args...)}
}

// Problem is the body of every answer that is no success.
type Problem struct {
	Error string `json:"error"` // what, and what to do
}

const nothingAt = "nothing is at "

// NoSuchPath reports whether a server says that it has no such endpoint: another version of it may.
func (p Problem) NoSuchPath() bool { return strings.HasPrefix(p.Error, nothingAt) }

// fail answers with an error, and logs what it does not show.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	refused := judge(err, w.Header().Get(requestID))
	if refused.cause != nil {
		about(zerolog.Ctx(r.Context()).Error(), r).Err(refused.cause).Int("status", refused.status).Msg("request failed")
	}
	write(w, r, refused.status, Problem{refused.text})
}

// about names the service or deployment that a request is about.
func about(line *zerolog.Event, r *http.Request) *zerolog.Event {
	if service := chi.URLParam(r, "service"); service != "" {
		line.Str("service", service)
	}
	if id := chi.URLParam(r, "id"); id != "" {
		line.Str("deployment", id)
	}
	return line
}

// judge decides what is said of an error. What was not made for people is not shown to them.
func judge(err error, request string) *refusal {
	var refused *refusal
	var invalid *deployer.InvalidError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &invalid):
		return &refusal{status: http.StatusBadRequest, text: invalid.Reason}
	case errors.Is(err, deployer.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return &refusal{http.StatusServiceUnavailable, fmt.Sprintf(
			"Docker or a registry does not answer at the moment; try again, or see fisherman's log, request %s", request), err}
	case errors.Is(err, deployer.ErrNotFound):
		return &refusal{status: http.StatusNotFound, text: err.Error()}
	case errors.Is(err, deployer.ErrPastSwitch), errors.Is(err, deployer.ErrEnded):
		return &refusal{status: http.StatusConflict, text: err.Error()}
	}
	return &refusal{http.StatusInternalServerError, "internal error; see fisherman's log, request " + request, err}
}

// write sends a value as JSON. That the client has gone meanwhile is worth no more than a debug line.
func write(w http.ResponseWriter, r *http.Request, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		zerolog.Ctx(r.Context()).Debug().Err(err).Msg("answer not delivered")
	}
}
