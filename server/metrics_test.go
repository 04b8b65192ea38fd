package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"fisherman/deployer"
)

// holds checks that the metrics have these lines, and returns them all.
func (h harness) holds(t *testing.T, lines ...string) string {
	t.Helper()
	got := h.call(t, http.MethodGet, "/metrics", "").body
	for _, line := range lines {
		if !strings.Contains(got+"\n", "\n"+line+"\n") {
			t.Errorf("the metrics have no line %q", line)
		}
	}
	return got
}

// A deployment is told of at every step, and of its end perhaps twice or at once from several sides: it counts once.
func TestDeploymentsAreCountedOnce(t *testing.T) {
	h := start(t, &standIn{})
	begun := live()
	begun.State, begun.Steps = deployer.Starting, begun.Steps[:3]
	h.Observe(begun)
	var observers sync.WaitGroup
	for range 10 {
		observers.Go(func() { h.Observe(live()) })
	}
	observers.Wait()
	other := live()
	other.ID, other.State = "01OTHER", deployer.Failed
	other.Steps = nil
	h.Observe(other)
	h.holds(t,
		`fisherman_deployments_total{outcome="succeeded",service="web"} 1`,
		`fisherman_deployments_total{outcome="failed",service="web"} 1`,
		`fisherman_deployment_stage_seconds_sum{stage="queued"} 1`,
		`fisherman_deployment_stage_seconds_sum{stage="pulling"} 4`,
		`fisherman_deployment_stage_seconds_sum{stage="starting"} 4`,
		`fisherman_deployment_stage_seconds_count{stage="starting"} 1`,
	)
}

// However many deployments there were: each of them counts.
func TestManyDeployments(t *testing.T) {
	h := start(t, &standIn{})
	const many = 3000
	for i := range many {
		d := live()
		d.ID = fmt.Sprint("01-", i)
		h.Observe(d)
		h.Observe(d)
	}
	h.holds(t, fmt.Sprintf(`fisherman_deployments_total{outcome="succeeded",service="web"} %d`, many))
}

func TestWebhooksAreCounted(t *testing.T) {
	h := start(t, &standIn{receipt: waiting()})
	for _, event := range []string{"push", "push", "ping", "star"} { // the second push is a duplicate
		do(t, h.signed(t, event, payload(t, event+".json")))
	}
	for i := range 3 { // a stranger makes no labels
		r := h.signed(t, fmt.Sprint("event-", i), []byte("{}"))
		r.Header.Set("X-Hub-Signature-256", "")
		do(t, r)
	}
	all := h.holds(t,
		`fisherman_webhooks_total{answer="accepted",code="2xx",event="push"} 1`,
		`fisherman_webhooks_total{answer="duplicate",code="2xx",event="push"} 1`,
		`fisherman_webhooks_total{answer="accepted",code="2xx",event="ping"} 1`,
		`fisherman_webhooks_total{answer="ignored",code="2xx",event="other"} 1`,
		`fisherman_webhooks_total{answer="refused",code="4xx",event="other"} 3`,
		`fisherman_build_info{commit="abc",go_version="go1.26",version="v1.2.3"} 1`,
	)
	if !strings.Contains(all, "\ngo_goroutines ") || !strings.Contains(all, "\nprocess_open_fds ") {
		t.Error("the runtime's and the process's own metrics are missing")
	}
}
