package docker_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fisherman/deployer/docker"
)

// TestANetworkThatDockerLostCountOf cannot be removed by anybody before Docker is restarted: that is no failure of who leaves. One
// that is in use is.
func TestANetworkThatDockerLostCountOf(t *testing.T) {
	for name, c := range map[string]struct {
		containers string
		fails      bool
	}{
		"nobody is on it": {`{}`, false},
		"somebody is":     {`{"0123": {"Name": "somebody's"}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			stub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Api-Version", "1.41")
				switch {
				case !strings.HasSuffix(r.URL.Path, "/networks/n"):
				case r.Method == http.MethodDelete: // in 20.10's own words
					w.WriteHeader(http.StatusForbidden)
					_, _ = fmt.Fprint(w, `{"message": "error while removing network: network n id n has active endpoints"}`)
				default:
					_, _ = fmt.Fprintf(w, `{"Id": "n", "Name": "n", "Labels": {"fisherman.network": "n"}, "Containers": %s}`, c.containers)
				}
			}))
			defer stub.Close()
			e, err := docker.New(docker.Options{Host: "tcp://" + stub.Listener.Addr().String(), Network: "n"})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			if err := e.RemoveNetwork(t.Context()); (err != nil) != c.fails {
				t.Errorf("removed with %v, want a failure: %t", err, c.fails)
			}
		})
	}
}
