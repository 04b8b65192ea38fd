package server

import "net/http"

// status is what the two probes answer when all is well.
type status struct {
	Status string `json:"status"`
}

// healthz answers while the process serves.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) error {
	write(w, r, http.StatusOK, status{"ok"})
	return nil
}

// readyz answers 200 once deployments can be carried out. Why they cannot is for those with the token.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	why := s.Deployer.Ready()
	switch {
	case why == nil:
		write(w, r, http.StatusOK, status{"ready"})
		return nil
	case s.authorized(r):
		return refuse(http.StatusServiceUnavailable, "not ready: %v", why)
	}
	return refuse(http.StatusServiceUnavailable, "not ready; ask again with the token to learn why")
}
