package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"fisherman/server"
)

// Without the token nothing below /api and /metrics answers: neither what is routed there now, nor what will be, nor
// what is not there.
func TestAPIAndMetricsNeedTheToken(t *testing.T) {
	credentials := map[string]string{
		"none":              "",
		"another token":     "Bearer " + token + "x",
		"part of the token": "Bearer " + token[:5],
		"no token":          "Bearer ",
		"another scheme":    "Basic " + token,
		"the bare token":    token,
	}
	h := start(t, &standIn{})
	for _, target := range protected(t, h.Handler()) {
		method, path, _ := strings.Cut(target, " ")
		for name, credential := range credentials {
			r := h.request(t, method, path, "")
			r.Header.Set("Authorization", credential)
			got := do(t, r)
			if got.status != 401 || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s with %s: %d %s, want 401 and WWW-Authenticate", target, name, got.status, got.body)
			}
			wantProblem(t, got)
		}
	}
	if asked := h.deployer.commands(); len(asked) != 0 {
		t.Errorf("the Deployer was asked %q by nobody we know", asked)
	}
}

// protected lists every route that needs the token, and some that are not there.
func protected(t *testing.T, handler http.Handler) []string {
	t.Helper()
	targets := []string{"GET /api", "GET /api/", "GET /api/v1", "GET /api/v1/secrets", "DELETE /api/v1/services"}
	err := chi.Walk(handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if strings.HasPrefix(route, "/api") || strings.HasPrefix(route, "/metrics") {
			targets = append(targets, method+" "+strings.NewReplacer("{service}", "web", "{id}", "01LIVE").Replace(route))
		}
		return nil
	})
	if err != nil || len(targets) < 17 {
		t.Fatalf("walk routes: %v; found only %v", err, targets)
	}
	return targets
}

func TestSchemeIsCaseInsensitive(t *testing.T) { // RFC 9110, 11.1
	h := start(t, &standIn{})
	r := h.request(t, http.MethodGet, "/api/v1/services", "")
	r.Header.Set("Authorization", "bearer "+token)
	if got := do(t, r); got.status != 200 {
		t.Errorf("got %d, want 200", got.status)
	}
}

// A server that was given no token lets nobody in.
func TestEmptyTokenLetsNobodyIn(t *testing.T) {
	handler := server.New(server.Options{Deployer: &standIn{}, Log: zerolog.Nop()}).Handler()
	for _, credential := range []string{"", "Bearer", "Bearer "} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/services", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", credential)
		if got := record(handler, r); got.Code != 401 {
			t.Errorf("%q: %d, want 401", credential, got.Code)
		}
	}
}
