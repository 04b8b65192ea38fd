package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
)

// The contract's "JSON shapes": exactly these keys, in this order, and what is absent is empty and never left away.
func TestShapes(t *testing.T) {
	const liveDeployment = `{
		"id": "01LIVE", "service": "web", "state": "succeeded",
		"image": "ghcr.io/o/web:latest", "digest": "` + digest + `", "commit": "` + commit + `",
		"trigger": {"kind": "package", "delivery": "d-1", "sender": "octocat"},
		"reason": "", "created_at": "2025-06-02T08:15:00Z", "finished_at": "2025-06-02T08:15:09Z",
		"steps": [
			{"state": "queued", "at": "2025-06-02T08:15:00Z"}, {"state": "pulling", "at": "2025-06-02T08:15:01Z"},
			{"state": "starting", "at": "2025-06-02T08:15:05Z"}, {"state": "succeeded", "at": "2025-06-02T08:15:09Z"}
		]}`
	const queuedDeployment = `{
		"id": "01NEXT", "service": "web", "state": "queued",
		"image": "ghcr.io/o/web@` + digest + `", "digest": "` + digest + `", "commit": "",
		"trigger": {"kind": "manual", "delivery": "", "sender": "api"},
		"reason": "", "created_at": "2025-06-02T08:15:20Z", "finished_at": null, "steps": []}`
	const service = `{
		"name": "web", "state": "running", "image": "ghcr.io/o/web:latest", "digest": "` + digest + `", "commit": "` + commit + `",
		"deployment": "01LIVE",
		"routes": [{"host": "a.pl", "prefix": "/", "port": 8080}, {"host": "b.pl", "prefix": "/x", "port": 9090}],
		"replicas": [
			{"container": "c1", "address": "172.18.0.3:8080", "healthy": true}, {"container": "c2", "address": "", "healthy": false},
			{"container": "c3", "address": "172.18.0.5:8080", "healthy": false}
		],
		"traffic": {"requests_per_second": 2.333, "errors_per_second": 0.003, "window_seconds": 300}}`
	tests := []struct{ method, path, want string }{
		{"GET", "/api/v1/deployments/01LIVE", liveDeployment},
		{"GET", "/api/v1/deployments?service=web", "[" + queuedDeployment + "," + liveDeployment + "]"},
		{"GET", "/api/v1/deployments", "[]"},
		{"GET", "/api/v1/deployments?current=true&service=web", "[" + queuedDeployment + "," + liveDeployment + "]"},
		{"GET", "/api/v1/deployments?current=true&service=web&limit=1", "[" + queuedDeployment + "]"},
		{"GET", "/api/v1/deployments?current=true", "[]"},
		{"GET", "/api/v1/services/web", service},
		{"GET", "/api/v1/services", "[" + service + "]"},
		{"POST", "/api/v1/services/web/deployments", queuedDeployment},
		{"POST", "/api/v1/reconcile", `{"at": "2025-06-02T08:15:07Z",
			"plan": {"services": [{"name": "web", "action": "add", "effects": ["it is deployed"],
				"changes": [{"path": "services.web.tag", "old": "", "new": "latest", "secret": false, "effect": ""}]}],
				"settings": [{"path": "server.listen", "old": ":1", "new": ":2", "secret": false, "effect": "restart"}],
				"behind": [{"service": "two", "deployment": "7", "reason": "no such database"}]},
			"failures": ["services: no"], "refused": "", "troubles": ["s3: no"], "deployments": [` + queuedDeployment + `]}`},
		{"GET", "/api/v1/routes", `[
			{"host": "a.pl", "prefix": "/", "service": "web", "release": "01LIVE",
				"backends": [{"address": "172.18.0.3:8080", "in_flight": 2}]},
			{"host": "b.pl", "prefix": "/x", "service": "web", "release": "01LIVE", "backends": []}]`},
	}
	h := start(t, &standIn{})
	for _, test := range tests {
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(test.want)); err != nil {
			t.Fatal(err)
		}
		if got := h.call(t, test.method, test.path, ""); got.body != want.String() {
			t.Errorf("%s %s:\ngot  %s\nwant %s", test.method, test.path, got.body, want.String())
		}
	}
}

func TestDeploymentLogIsText(t *testing.T) {
	h := start(t, &standIn{})
	got := h.call(t, http.MethodGet, "/api/v1/deployments/01LIVE/log", "")
	if want := live().Log(); got.body+"\n" != want || got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("got %q (%s), want %q", got.body, got.header.Get("Content-Type"), want)
	}
}
