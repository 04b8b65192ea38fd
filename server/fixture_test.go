package server_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"fisherman/deployer"
	"fisherman/server"
	"fisherman/webhooks"
)

// What must never be seen from outside, or in the log.
const (
	token             = "anchors-aweigh-at-noon"
	webhookSecret     = "low water at seven"
	environmentSecret = "rope-and-tackle"
	internals         = "open /var/lib/state: bucket deployments: page 7 corrupt"
)

const delivery = "6a1f0c52-3f6e-11f0-8a53-0242ac120002"

// harness is a server behind a real socket, with a stand-in for the Deployer and the real webhooks.GitHub.
type harness struct {
	*server.Server
	url      string
	deployer *standIn
	log      *journal
}

func start(t *testing.T, d *standIn) harness {
	t.Helper()
	h := build(d)
	listening := httptest.NewServer(h.Handler())
	t.Cleanup(listening.Close)
	h.url = listening.URL
	return h
}

// build is start without the socket.
func build(d *standIn) harness {
	log := &journal{}
	return harness{deployer: d, log: log, Server: server.New(server.Options{
		Deployer: d, Configuration: d,
		GitHub: webhooks.New(webhooks.Secrets{
			Default:      []string{webhookSecret},
			Repositories: map[string][]string{"harbour-works/tide-table": nil},
		}),
		Token: deployer.Plain(token),
		Routes: func() []server.Route {
			return []server.Route{
				{Host: "a.pl", Prefix: "/", Service: "web", Release: "01LIVE", Backends: []server.Backend{{Address: "172.18.0.3:8080", InFlight: 2}}},
				{Host: "b.pl", Prefix: "/x", Service: "web", Release: "01LIVE"},
			}
		},
		Traffic:  func(string) server.Traffic { return server.NewTraffic(700, 1, 300*time.Second) },
		Version:  server.Version{Version: "v1.2.3", Commit: "abc", Go: "go1.26"},
		Log:      zerolog.New(log).Level(zerolog.DebugLevel),
		Registry: prometheus.NewRegistry(),
	})}
}

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request as it stands.
func do(t *testing.T, r *http.Request) answer {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, strings.TrimSuffix(string(body), "\n")}
}

// call sends an API request with the token.
func (h harness) call(t *testing.T, method, path, body string) answer {
	t.Helper()
	return do(t, h.request(t, method, path, body))
}

func (h harness) request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// signed is a delivery as GitHub sends it.
func (h harness) signed(t *testing.T, event string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/webhooks/github", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	mac.Write(body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", delivery)
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

func payload(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("../testdata/webhooks", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// journal is a log that is read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// lines are the log's lines that hold a text.
func (j *journal) lines(text string) (found []string) {
	for line := range strings.Lines(j.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}
