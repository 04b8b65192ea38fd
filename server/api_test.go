package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/server"
	"fisherman/server/config"
	place "fisherman/server/config/source"
)

// serve answers one request without a socket.
func serve(t *testing.T, handler http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	return record(handler, httptest.NewRequestWithContext(t.Context(), method, path, nil))
}

func record(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// The contract's table "HTTP, on server.listen".
func TestAPI(t *testing.T) {
	tests := []struct {
		method, path, body string
		status             int
		says               string // part of the answer
		asked              string // what the Deployer was told to do; empty: nothing
	}{
		{"GET", "/healthz", "", 200, `"ok"`, ""},
		{"HEAD", "/healthz", "", 200, "", ""},
		{"GET", "/readyz", "", 200, `"ready"`, ""},
		{"GET", "/metrics", "", 200, "fisherman_build_info", ""},
		{"GET", "/api/v1/services", "", 200, `"name":"web"`, ""},
		{"GET", "/api/v1/services/web", "", 200, `"name":"web"`, ""},
		{"GET", "/api/v1/services/wbe", "", 404, `names [web]`, ""},
		{"GET", "/api/v1/services/wbe/logs", "", 404, `names [web]`, ""},
		{"GET", "/api/v1/services/web/logs?follow=perhaps", "", 400, "true or false", ""},
		{"GET", "/api/v1/services/web/logs?tail=-1", "", 400, "0 or more", ""},
		{"GET", "/api/v1/services/web/logs?since=yesterday", "", 400, "such as 10m", ""},

		{"GET", "/api/v1/deployments", "", 200, `[]`, `list "" 50`},
		{"GET", "/api/v1/deployments?service=web&limit=2", "", 200, `"id":"01NEXT"`, `list "web" 2`},
		{"GET", "/api/v1/deployments?limit=1000", "", 200, `[]`, `list "" 1000`},
		{"GET", "/api/v1/deployments?limit=1001", "", 200, `[]`, `list "" 1000`},
		{"GET", "/api/v1/deployments?limit=99999999999999999999", "", 200, `[]`, `list "" 1000`},
		{"GET", "/api/v1/deployments?limit=0", "", 400, "1 or more", ""},
		{"GET", "/api/v1/deployments?limit=-99999999999999999999", "", 400, "1 or more", ""},
		{"GET", "/api/v1/deployments?limit=all", "", 400, "limit=all", ""},
		{"GET", "/api/v1/deployments?service=wbe", "", 404, "names [web]", `list "wbe" 50`},
		{"GET", "/api/v1/deployments/01LIVE", "", 200, `"id":"01LIVE"`, ""},
		{"GET", "/api/v1/deployments/01GONE", "", 404, "01GONE", ""},
		{"GET", "/api/v1/deployments/01LIVE/log", "", 200, "succeeded", ""},
		{"GET", "/api/v1/deployments/01GONE/log", "", 404, "01GONE", ""},

		{"POST", "/api/v1/services/web/deployments", "", 202, `"id":"01NEXT"`, `deploy web "" for api`},
		{"POST", "/api/v1/services/web/deployments", " \n", 202, `"id":"01NEXT"`, `deploy web "" for api`},
		{"POST", "/api/v1/services/web/deployments", `{}`, 202, `"id":"01NEXT"`, `deploy web "" for api`},
		{"POST", "/api/v1/services/web/deployments", `{"reference":null}`, 202, `"id":"01NEXT"`, `deploy web "" for api`},
		{"POST", "/api/v1/services/web/deployments", `{"reference":"v2"}`, 202, `"id":"01NEXT"`, `deploy web "v2" for api`},
		{"POST", "/api/v1/services/web/deployments", `{"reference":"no:good"}`, 400, "neither a tag nor a digest", `deploy web "no:good" for api`},
		{"POST", "/api/v1/services/web/deployments", `{"reference":7}`, 400, "not a text", ""},
		{"POST", "/api/v1/services/web/deployments", `{"ref":"v2"}`, 400, `unknown key \"ref\"; the only one is \"reference\"`, ""},
		{"POST", "/api/v1/services/web/deployments", `["v2"]`, 400, "not a JSON object", ""},
		{"POST", "/api/v1/services/web/deployments", `{} {}`, 400, "not a JSON object", ""},
		{"POST", "/api/v1/services/web/deployments", `{"reference":"` + strings.Repeat("v", 64<<10) + `"}`, 413, "65536 bytes", ""},
		{"POST", "/api/v1/services/wbe/deployments", "", 404, "names [web]", `deploy wbe "" for api`},

		{"POST", "/api/v1/services/web/rollback", "", 202, `"id":"01NEXT"`, `rollback web "" for api`},
		{"POST", "/api/v1/services/web/rollback", `{"to":"01LIVE"}`, 202, `"id":"01NEXT"`, `rollback web "01LIVE" for api`},
		{"POST", "/api/v1/services/web/rollback", `{"reference":"v2"}`, 400, `unknown key \"reference\"`, ""},

		{"POST", "/api/v1/deployments/01NEXT/cancel", "", 202, `"id":"01NEXT"`, "cancel 01NEXT"},
		{"POST", "/api/v1/deployments/01PAST/cancel", "", 409, "past the switch; roll back instead", "cancel 01PAST"},
		{"POST", "/api/v1/deployments/01LIVE/cancel", "", 409, "has ended already", "cancel 01LIVE"},
		{"POST", "/api/v1/deployments/01GONE/cancel", "", 404, "01GONE", "cancel 01GONE"},

		{"POST", "/api/v1/reconcile", "", 200, `"deployments":[{"id":"01NEXT"`, ""},
		{"GET", "/api/v1/reconcile", "", 200, `"failures":["services: no"],"refused":"","troubles":["s3: no"],"deployments":[]`, ""},
		{"POST", "/api/v1/plan", "", 200, `"action":"add"`, `plan ""`},
		{"POST", "/api/v1/plan", "services: {}", 200, `"action":"add"`, `plan "services: {}"`},
		{"POST", "/api/v1/plan", " \n", 200, `"action":"add"`, `plan " \n"`}, // which is a configuration, and not a good one
		{"POST", "/api/v1/plan", strings.Repeat("#", 1<<20+1), 413, "1048576 bytes", ""},
		{"GET", "/api/v1/routes", "", 200, `"host":"a.pl"`, ""},

		{"GET", "/", "", 404, "nothing is at", ""},
		{"GET", "/api", "", 404, "nothing is at", ""},
		{"GET", "/api/v2/services", "", 404, "nothing is at", ""},
		{"GET", "/api/v1/services/", "", 404, "nothing is at", ""},
		{"GET", "/api/v1/services/web/rollback", "", 405, "is not a method", ""},
		{"DELETE", "/api/v1/services/web", "", 405, "is not a method", ""},
		{"POST", "/healthz", "", 405, "is not a method", ""},
		{"POST", "/metrics", "", 405, "is not a method", ""},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.path+" "+test.body[:min(len(test.body), 30)], func(t *testing.T) {
			h := start(t, &standIn{})
			got := h.call(t, test.method, test.path, test.body)
			if got.status != test.status || !strings.Contains(got.body, test.says) {
				t.Errorf("got %d %s, want %d with %q", got.status, got.body, test.status, test.says)
			}
			if got.status >= 400 {
				wantProblem(t, got)
			}
			if asked := strings.Join(h.deployer.commands(), ", "); asked != test.asked {
				t.Errorf("the Deployer was asked %q, want %q", asked, test.asked)
			}
		})
	}
}

func wantProblem(t *testing.T, got answer) {
	t.Helper()
	var problem map[string]string
	err := json.Unmarshal([]byte(got.body), &problem)
	if err != nil || len(problem) != 1 || problem["error"] == "" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %q (%s), want {\"error\": …}", got.body, got.header.Get("Content-Type"))
	}
}

// The API says its version, to those who have the token, also where it has no such endpoint.
func TestTheAPISaysItsVersion(t *testing.T) {
	h := start(t, &standIn{})
	for path, want := range map[string]string{
		"/api/v1/services": "v1.2.3", "/api/v1/services/wbe": "v1.2.3", "/api/v9/x": "v1.2.3", "/healthz": "", "/x": "",
	} {
		if got := h.call(t, http.MethodGet, path, "").header.Get(server.VersionHeader); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	request := h.request(t, http.MethodGet, "/api/v1/services", "")
	request.Header.Del("Authorization")
	if got := do(t, request).header.Get(server.VersionHeader); got != "" {
		t.Errorf("without the token: %q, want nothing", got)
	}
}

func TestAllowNamesTheMethods(t *testing.T) {
	h := start(t, &standIn{})
	for path, want := range map[string][]string{
		"/healthz": {"GET", "HEAD"}, "/webhooks/github": {"POST"}, "/metrics": {"GET"}, "/api/v1/reconcile": {"GET", "POST"},
	} {
		if got := h.call(t, http.MethodPut, path, "").header.Values("Allow"); !slices.Equal(got, want) {
			t.Errorf("PUT %s: Allow %q, want %q", path, got, want)
		}
	}
}

// What is not made for people is logged under the id that the answer names, and not shown.
func TestInternalsDoNotLeak(t *testing.T) {
	tests := map[string]struct {
		deployer *standIn
		status   int
	}{
		"an unknown error":    {&standIn{err: errors.New(internals)}, 500},
		"a panic":             {&standIn{panics: true}, 500},
		"Docker is not there": {&standIn{err: fmt.Errorf("%s: %w", internals, deployer.ErrUnavailable)}, 503},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := start(t, test.deployer)
			got := h.call(t, http.MethodGet, "/api/v1/services/web", "")
			id := got.header.Get("X-Request-Id")
			if got.status != test.status || id == "" || !strings.Contains(got.body, id) {
				t.Errorf("got %d %s, want %d naming request %q", got.status, got.body, test.status, id)
			}
			if strings.Contains(got.body, "bucket") {
				t.Errorf("the answer shows internals: %s", got.body)
			}
			if lines := h.log.lines("page 7 corrupt"); len(lines) != 1 || !strings.Contains(lines[0], id) {
				t.Errorf("the log has %q, want one line with the cause and the id %s", lines, id)
			}
		})
	}
}

// No secret is in any answer or in the log, whatever is asked for.
func TestSecretsDoNotLeak(t *testing.T) {
	h := start(t, &standIn{receipt: waiting()})
	var answers strings.Builder
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/api/v1/services", "/api/v1/services/web", "/api/v1/deployments", "/api/v1/routes"} {
		fmt.Fprintln(&answers, h.call(t, http.MethodGet, path, ""))
	}
	fmt.Fprintln(&answers, h.call(t, http.MethodGet, "/api/v1/deployments?token="+token, ""))
	unsigned := h.signed(t, "push", []byte(`{"secret":"`+webhookSecret+`"}`))
	unsigned.Header.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64))
	fmt.Fprintln(&answers, do(t, unsigned))
	fmt.Fprintln(&answers, do(t, h.signed(t, "push", payload(t, "push.json"))))
	for _, secret := range []string{token, webhookSecret, environmentSecret} {
		if strings.Contains(answers.String(), secret) {
			t.Errorf("an answer holds %q", secret)
		}
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestReadiness(t *testing.T) {
	h := start(t, &standIn{notReady: errors.New("Docker does not answer on this socket")})
	with := h.call(t, http.MethodGet, "/readyz", "")
	if with.status != 503 || !strings.Contains(with.body, "Docker does not answer") {
		t.Errorf("with the token: %d %s, want 503 and why", with.status, with.body)
	}
	request := h.request(t, http.MethodGet, "/readyz", "")
	request.Header.Del("Authorization")
	if without := do(t, request); without.status != 503 || strings.Contains(without.body, "Docker") {
		t.Errorf("without the token: %d %s, want 503 that names nothing", without.status, without.body)
	}
}

// A configuration that cannot be used is refused with all its problems; one that cannot be read with none of its details.
func TestAnUnusableConfigurationIsRefused(t *testing.T) {
	problems := config.Problems{{Path: "services.web.port", Message: "is not known"}, {Path: "state", Message: "is no path"}}
	for _, c := range []struct {
		cause  error
		status int
		says   []string
	}{
		{problems, 422, []string{"services.web.port: is not known", "state: is no path"}},
		{errors.New(internals), 502, []string{"cannot be read"}},
		{fmt.Errorf("%w: /etc/f is a directory; name a file in it", place.ErrUnread), 502, []string{"/etc/f is a directory; name a file in it"}},
	} {
		h := start(t, &standIn{unusable: c.cause})
		for _, path := range []string{"/api/v1/reconcile", "/api/v1/plan"} {
			got := h.call(t, http.MethodPost, path, "")
			wantProblem(t, got)
			for _, part := range c.says {
				if got.status != c.status || !strings.Contains(got.body, part) {
					t.Errorf("%s: %d %s, want %d with %q", path, got.status, got.body, c.status, part)
				}
			}
			if strings.Contains(got.body, internals) {
				t.Errorf("%s shows %s", path, got.body)
			}
		}
	}
}

// A configuration is in force also while nobody can look at what runs: the answer says what was done.
func TestAReconciliationSaysWhatItDidWithoutDocker(t *testing.T) {
	h := start(t, &standIn{err: fmt.Errorf("%s: %w", internals, deployer.ErrUnavailable)})
	got := h.call(t, http.MethodPost, "/api/v1/reconcile", "")
	if got.status != 200 || !strings.Contains(got.body, "the container engine does not answer") || !strings.Contains(got.body, `"plan":{`) || strings.Contains(got.body, internals) {
		t.Errorf("%d %s", got.status, got.body)
	}
}
