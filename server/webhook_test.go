package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"fisherman/deployer"
	"fisherman/server"
)

// waiting is what a push leads to.
func waiting() deployer.Receipt {
	return deployer.Receipt{Deployments: []deployer.Deployment{{ID: "01W", Service: "web", State: deployer.Waiting}}}
}

// The contract's second table of POST /webhooks/github.
func TestWebhookAnswers(t *testing.T) {
	const one = `"deployments":[{"id":"01W","service":"web","state":"waiting"}]`
	begin := `{"delivery":"` + delivery + `",`
	tests := map[string]struct {
		event, payload string
		receipt        deployer.Receipt
		status         int
		body           string
	}{
		"something was queued":              {"push", "push.json", waiting(), 202, begin + one + `}`},
		"queued for one, ignored by others": {"push", "push.json", both(waiting(), "api follows beta"), 202, begin + one + `}`},
		"recorded before": {
			"push", "push.json", deployer.Receipt{Deployments: waiting().Deployments, Duplicate: true}, 200, begin + one + `,"duplicate":true}`,
		},
		"a package": {"package", "package.json", waiting(), 202, begin + one + `}`},
		"ping":      {"ping", "ping.json", waiting(), 200, begin + `"deployments":[]}`},
		"an organisation's ping": {
			"ping", "ping-organization.json", waiting(), 200,
			begin + `"deployments":[],"ignored":"the delivery names no repository"}`,
		},
		"another branch": {
			"push", "push.json",
			deployer.Receipt{Ignored: "web follows branch beta"},
			200,
			begin + `"deployments":[],"ignored":"web follows branch beta"}`,
		},
		"a tag": {
			"push", "push-tag.json", waiting(), 200,
			begin + `"deployments":[],"ignored":"push to \"refs/tags/v2.4.0\", which is no branch"}`,
		},
		"another event": {
			"star", "star.json", waiting(), 200,
			begin + `"deployments":[],"ignored":"event \"star\" deploys nothing; only push and package do"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := start(t, &standIn{receipt: test.receipt})
			got := do(t, h.signed(t, test.event, payload(t, test.payload)))
			if got.status != test.status || !sameDelivery(t, got.body, test.body) {
				t.Errorf("got %d %s\nwant %d %s", got.status, got.body, test.status, test.body)
			}
			if lines := h.log.lines(`"message":"webhook"`); len(lines) != 1 || !strings.Contains(lines[0], delivery) {
				t.Errorf("log has %q, want one line with the delivery", lines)
			}
		})
	}
}

func both(r deployer.Receipt, ignored string) deployer.Receipt {
	r.Ignored = ignored
	return r
}

// sameDelivery compares answers; warnings are up to webhooks, and another test's.
func sameDelivery(t *testing.T, got, want string) bool {
	t.Helper()
	var d server.Delivery
	if err := json.Unmarshal([]byte(got), &d); err != nil {
		t.Fatalf("answer %q: %v", got, err)
	}
	d.Warnings = nil
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw) == want
}

// What is refused is refused in the contract's order, and nothing of it reaches the Deployer.
func TestWebhookRefusals(t *testing.T) {
	unset := func(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }
	tests := map[string]struct {
		body   string
		spoil  func(*http.Request)
		status int
	}{
		"no signature":                    {"{}", unset("X-Hub-Signature-256"), 401},
		"a signature of another form":     {"{}", func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", "sha1=00") }, 401},
		"another secret's signature":      {"{}", func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64)) }, 401},
		"a body that is too long":         {strings.Repeat(" ", 25<<20+1), func(*http.Request) {}, 413},
		"no event":                        {"{}", unset("X-GitHub-Event"), 400},
		"no delivery id":                  {"{}", unset("X-GitHub-Delivery"), 400},
		"malformed JSON":                  {`{"ref":`, func(*http.Request) {}, 400},
		"GET":                             {"", func(r *http.Request) { r.Method = http.MethodGet }, 405},
		"unsigned, too long, without ids": {strings.Repeat(" ", 25<<20+1), func(r *http.Request) { r.Header = http.Header{} }, 401},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := start(t, &standIn{receipt: waiting()})
			r := h.signed(t, "push", []byte(test.body))
			test.spoil(r)
			got := do(t, r)
			var problem server.Problem
			if err := json.Unmarshal([]byte(got.body), &problem); err != nil || problem.Error == "" || got.status != test.status {
				t.Errorf("got %d %s, want %d and an error", got.status, got.body, test.status)
			}
			if len(h.deployer.submitted) != 0 {
				t.Error("it reached the Deployer")
			}
		})
	}
}

// Everything that a webhook says of deployments gets through.
func TestWebhookBecomesTrigger(t *testing.T) {
	const image = "sha256:947f187506f7629c81c81879a2cb2256455038e4ac770091d897fa0a8b945e3b"
	push := fmt.Sprintf(`{"ref":"refs/heads/main","before":"4f1c9d27be0a6358c2d7e19f50ab84631d7ce92f","after":%q,"forced":true,
		"repository":{"full_name":"Harbour-Works/Tide-Table","default_branch":"trunk"},"sender":{"login":"mira-lund"},
		"head_commit":{"message":"First\n\nRest","author":{"name":"Mira Lund"}}}`, commit)
	pkg := fmt.Sprintf(`{"action":"published","repository":{"full_name":"Harbour-Works/Tide-Table"},"sender":{"login":"mira-lund"},
		"package":{"name":"tide-table","namespace":"Harbour-Works","package_type":"CONTAINER","package_version":{
		"version":%q,"target_oid":%q,"container_metadata":{"tag":{"name":"v2","digest":%q}}}}}`, image, commit, image)
	tests := map[string]struct {
		body string
		want deployer.Trigger
	}{
		"push": {push, deployer.Trigger{
			Kind: deployer.KindPush, Delivery: delivery, Repository: "harbour-works/tide-table", Sender: "mira-lund",
			Branch: "main", DefaultBranch: "trunk", Before: "4f1c9d27be0a6358c2d7e19f50ab84631d7ce92f", After: commit, Forced: true,
			Message: "First", Author: "Mira Lund",
		}},
		"package": {pkg, deployer.Trigger{
			Kind: deployer.KindPackage, Delivery: delivery, Repository: "harbour-works/tide-table", Sender: "mira-lund",
			Image: "ghcr.io/harbour-works/tide-table", Tag: "v2", Digest: image, Commit: commit,
		}},
	}
	for event, test := range tests {
		t.Run(event, func(t *testing.T) {
			h := start(t, &standIn{receipt: waiting()})
			do(t, h.signed(t, event, []byte(test.body)))
			if got := h.deployer.submitted; len(got) != 1 || got[0] != test.want {
				t.Errorf("submitted %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestWebhookThatCannotBeRecorded(t *testing.T) {
	h := start(t, &standIn{err: errors.New(internals)})
	got := do(t, h.signed(t, "push", payload(t, "push.json")))
	if got.status != 503 || !strings.Contains(got.body, "redeliver") || strings.Contains(got.body, internals) {
		t.Errorf("got %d %s, want 503 and what to do", got.status, got.body)
	}
	if len(h.log.lines("page 7 corrupt")) != 1 {
		t.Errorf("the log does not say why, once:\n%s", h.log)
	}
}

func TestPingWarnings(t *testing.T) {
	h := start(t, &standIn{})
	body := bytes.ReplaceAll(payload(t, "ping.json"), []byte(`"insecure_ssl": "0"`), []byte(`"insecure_ssl": "1"`))
	got := do(t, h.signed(t, "ping", body))
	warned := h.log.lines(`"level":"warn"`)
	if got.status != 200 || len(warned) != 1 || !strings.Contains(warned[0], "TLS") || !strings.Contains(got.body, "TLS") {
		t.Errorf("got %d %s and warnings %q, want one in both", got.status, got.body, warned)
	}
}

// Behind the proxy, exactly one path is there.
func TestWebhookHandlerHasNothingElse(t *testing.T) {
	h := build(&standIn{receipt: waiting()})
	for path, want := range map[string]int{
		"/webhooks/github": 401, "/webhooks/github/": 404, "/healthz": 404, "/readyz": 404, "/metrics": 404, "/api/v1/services": 404, "/": 404,
	} {
		if got := serve(t, h.Webhook(), http.MethodPost, path); got.Code != want {
			t.Errorf("POST %s: %d, want %d", path, got.Code, want)
		}
	}
}

// One delivery that comes many times at once is accepted once, among as many others.
func TestSimultaneousWebhooks(t *testing.T) {
	h := start(t, &standIn{receipt: waiting()})
	const each = 20
	statuses := make(chan int, 2*each)
	var senders sync.WaitGroup
	for i := range 2 * each {
		r := h.signed(t, "push", payload(t, "push.json"))
		if i%2 == 1 {
			r.Header.Set("X-GitHub-Delivery", fmt.Sprint("d-", i))
		}
		senders.Go(func() {
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
			statuses <- response.StatusCode
		})
	}
	senders.Wait()
	close(statuses)
	count := map[int]int{}
	for status := range statuses {
		count[status]++
	}
	if count[202] != each+1 || count[200] != each-1 {
		t.Errorf("got %v, want %d accepted and %d duplicates", count, each+1, each-1)
	}
}
