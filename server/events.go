package server

import (
	"encoding/json"
	"fmt"
	"net/http"

	"fisherman/deployer"
)

// Event is one message of GET /api/v1/events: a transition or, between two of them, progress.
type Event struct {
	ID         string      // to resume after, as Last-Event-ID; empty with Progress
	Deployment *Deployment // as it was right after the transition; nil with Progress
	Progress   *Progress   // nil with Deployment
}

// Progress is how far the state that a deployment is in has come. It is for live display and kept nowhere.
type Progress struct {
	Deployment string         `json:"deployment"` // id
	Service    string         `json:"service"`
	State      deployer.State `json:"state"`
	Text       string         `json:"text"`  // for a person
	Done       int64          `json:"done"`  // bytes while pulling, good answers in a row while verifying, 0 while draining
	Total      int64          `json:"total"` // bytes, answers needed, requests that are left; 0: not known
}

// events streams what happens to deployments as server-sent events (WHATWG HTML, 9.2).
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	reading, err := s.Deployer.Events(deployer.EventOptions{
		Service: query.Get("service"), Deployment: query.Get("deployment"), After: r.Header.Get("Last-Event-ID"),
	})
	if err != nil {
		return err
	}
	if reading.Ended() {
		w.WriteHeader(http.StatusNoContent) // by which a browser knows not to come back
		return nil
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	begin := "id: " + reading.ID() + "\n\n" // who loses the connection before the first event resumes after this
	return s.stream(w, r, ": nothing new\n\n", func() (piece, error) {
		events, more, err := reading.Next()
		p := piece{text: []byte(begin), more: more, over: reading.Ended()}
		begin = ""
		for i := 0; err == nil && i < len(events); i++ {
			p.text, err = appendEvent(p.text, events[i])
		}
		return p, err
	})
}

func appendEvent(text []byte, e deployer.Event) ([]byte, error) {
	if e.Progress != nil {
		raw, err := json.Marshal(progress(*e.Progress))
		return fmt.Appendf(text, "event: progress\ndata: %s\n\n", raw), err
	}
	raw, err := json.Marshal(deployment(e.Deployment))
	return fmt.Appendf(text, "id: %s\nevent: deployment\ndata: %s\n\n", e.ID, raw), err
}

func progress(p deployer.Progress) Progress {
	return Progress{Deployment: p.Deployment, Service: p.Service, State: p.State, Text: p.Text, Done: p.Done, Total: p.Total}
}
