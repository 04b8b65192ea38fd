package server

import (
	"io"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"fisherman/deployer"
)

// Deployment is one attempt to make a digest live for a service.
type Deployment struct {
	ID         string         `json:"id"`
	Service    string         `json:"service"`
	State      deployer.State `json:"state"`
	Image      string         `json:"image"` // image:tag, or image@digest where no tag was named
	Digest     string         `json:"digest"`
	Commit     string         `json:"commit"`
	Trigger    Trigger        `json:"trigger"`
	Reason     string         `json:"reason"` // why it ended so; empty on success
	CreatedAt  time.Time      `json:"created_at"`
	FinishedAt *time.Time     `json:"finished_at"` // null until it has ended
	Steps      []Step         `json:"steps"`
}

// Trigger is what caused a deployment.
type Trigger struct {
	Kind     deployer.Kind `json:"kind"`
	Delivery string        `json:"delivery"`
	Sender   string        `json:"sender"`
}

// Step is the moment a deployment entered a state.
type Step struct {
	State deployer.State `json:"state"`
	At    time.Time      `json:"at"`
}

const (
	defaultLimit = 50
	maxLimit     = 1000
)

// sender is who a deployment was asked for by, as far as the API knows: all who hold the token are the same to it.
const sender = "api"

func (s *Server) deployments(r *http.Request) (any, error) {
	limit, err := number(r, "limit", defaultLimit, 1)
	if err != nil {
		return nil, err
	}
	current, err := flag(r, "current")
	if err != nil {
		return nil, err
	}
	service := r.URL.Query().Get("service")
	if current {
		found, err := s.Deployer.Current(service)
		return list(found[:min(len(found), limit, maxLimit)], deployment), err
	}
	found, err := s.Deployer.Deployments(service, min(limit, maxLimit))
	return list(found, deployment), err
}

func (s *Server) deployment(r *http.Request) (any, error) {
	found, err := s.Deployer.Deployment(chi.URLParam(r, "id"))
	return deployment(found), err
}

func (s *Server) deploymentLog(w http.ResponseWriter, r *http.Request) error {
	follow, err := flag(r, "follow")
	if err != nil {
		return err
	}
	found, err := s.Deployer.Deployment(chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", plainText)
	if !follow {
		_, _ = io.WriteString(w, found.Log()) // fails only when nobody reads it any more
		return nil
	}
	var mark deployer.LogMark
	err = s.stream(w, r, "", func() (p piece, err error) {
		if found, err = s.Deployer.Deployment(found.ID); err != nil {
			return p, err
		}
		text, next := found.LogAfter(mark)
		mark = next
		return piece{text: []byte(text), over: found.State.Ended()}, nil
	})
	if err == nil && !found.State.Ended() { // the server stops
		panic(http.ErrAbortHandler) // the client must not take what it has for all there is
	}
	return err
}

func (s *Server) deploy(r *http.Request) (any, error) {
	reference, err := option(r, "reference")
	if err != nil {
		return nil, err
	}
	begun, err := s.Deployer.Deploy(chi.URLParam(r, "service"), reference, sender)
	return deployment(begun), err
}

func (s *Server) rollback(r *http.Request) (any, error) {
	to, err := option(r, "to")
	if err != nil {
		return nil, err
	}
	begun, err := s.Deployer.Rollback(chi.URLParam(r, "service"), to, sender)
	return deployment(begun), err
}

func (s *Server) cancel(r *http.Request) (any, error) {
	told, err := s.Deployer.Cancel(chi.URLParam(r, "id"))
	return deployment(told), err
}

func deployment(d deployer.Deployment) Deployment {
	shown := Deployment{
		ID: d.ID, Service: d.Service, State: d.State,
		Image: image(d), Digest: d.Digest, Commit: d.Commit,
		Trigger:   Trigger{Kind: d.Cause.Kind, Delivery: d.Cause.Delivery, Sender: d.Cause.Sender},
		Reason:    d.Reason,
		CreatedAt: d.CreatedAt.UTC(),
		Steps:     list(d.Steps, func(s deployer.Step) Step { return Step{State: s.State, At: s.At.UTC()} }),
	}
	if !d.FinishedAt.IsZero() {
		ended := d.FinishedAt.UTC()
		shown.FinishedAt = &ended
	}
	return shown
}

// image is what was asked for, as people write it.
func image(d deployer.Deployment) string {
	switch {
	case d.Reference != "":
		return d.Image + ":" + d.Reference
	case d.Digest != "":
		return d.Image + "@" + d.Digest
	}
	return d.Image
}
