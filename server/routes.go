package server

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Handler serves everything of server.listen.
func (s *Server) Handler() http.Handler {
	r := s.router()
	r.Post("/webhooks/github", s.handle(s.webhook))
	for path, probe := range map[string]handler{"/healthz": s.healthz, "/readyz": s.readyz} {
		r.Get(path, s.handle(probe))
		r.Head(path, s.handle(probe)) // what many uptime monitors send
	}
	r.With(s.authorize).Method(http.MethodGet, "/metrics", s.metrics.handler(s.Registry))
	r.Route("/api", func(r chi.Router) {
		r.Use(s.authorize, s.introduce)
		r.Route("/v1", s.api)
	})
	return r
}

// Webhook serves POST /webhooks/github and nothing else: what server.host may reach from outside, through the proxy.
func (s *Server) Webhook() http.Handler {
	r := s.router()
	r.Post("/webhooks/github", s.handle(s.webhook))
	return r
}

func (s *Server) api(r chi.Router) {
	r.Get("/services", s.json(http.StatusOK, s.services))
	r.Get("/services/{service}", s.json(http.StatusOK, s.service))
	r.Get("/services/{service}/logs", s.handle(s.serviceLogs))
	r.Post("/services/{service}/deployments", s.json(http.StatusAccepted, s.deploy))
	r.Post("/services/{service}/rollback", s.json(http.StatusAccepted, s.rollback))
	r.Get("/deployments", s.json(http.StatusOK, s.deployments))
	r.Get("/deployments/{id}", s.json(http.StatusOK, s.deployment))
	r.Get("/deployments/{id}/log", s.handle(s.deploymentLog))
	r.Post("/deployments/{id}/cancel", s.json(http.StatusAccepted, s.cancel))
	r.Get("/events", s.handle(s.events))
	r.Get("/reconcile", s.json(http.StatusOK, s.lastReconciled))
	r.Post("/reconcile", s.json(http.StatusOK, s.reconcile))
	r.Post("/plan", s.json(http.StatusOK, s.plan))
	r.Get("/routes", s.json(http.StatusOK, s.routes))
}

// router has what every request passes, and answers what nobody else does. Routers made inside it inherit both answers.
func (s *Server) router() chi.Router {
	r := chi.NewRouter()
	r.Use(s.request, bounded)
	r.NotFound(s.handle(notFound))
	r.MethodNotAllowed(s.handle(notAllowed))
	return r
}

// VersionHeader says which fisherman answers, to those who have the token.
const VersionHeader = "Fisherman-Version"

// introduce names the server's version in every answer of the API.
func (s *Server) introduce(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(VersionHeader, s.Version.String())
		next.ServeHTTP(w, r)
	})
}

func notFound(_ http.ResponseWriter, r *http.Request) error {
	return refuse(http.StatusNotFound, nothingAt+"%q; check the path", r.URL.Path)
}

// notAllowed names the methods there are: RFC 9110, 15.5.6.
func notAllowed(w http.ResponseWriter, r *http.Request) error {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		if routed(r, method) {
			w.Header().Add("Allow", method)
		}
	}
	return refuse(http.StatusMethodNotAllowed, "%s is not a method of %q; see the header Allow", r.Method, r.URL.Path)
}

// routed reports whether the path has a method.
func routed(r *http.Request, method string) bool {
	path := r.URL.RawPath // chi routes by what was sent, where that differs
	if path == "" {
		path = r.URL.Path
	}
	return chi.RouteContext(r.Context()).Routes.Match(chi.NewRouteContext(), method, path)
}
