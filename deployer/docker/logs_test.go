package docker_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fisherman/deployer"
)

// A container that Docker starts again goes on in the same stream.
func followedLogsOutliveACrash(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	r.Service.Resources.Memory = 64 << 20
	at := b.live(t, r)[0].Address
	logs, err := b.Logs(t.Context(), r.ID, deployer.LogOptions{Follow: true, Tail: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = logs.Close() }()
	output := bufio.NewReader(logs)
	for life := range 2 {
		if line, err := output.ReadString('\n'); err != nil || !strings.HasPrefix(line, "listening on ") {
			t.Fatalf("life %d began with %q, %v", life, line, err)
		}
		if life == 0 {
			eatTooMuch(t, at)
		}
	}
}

// eatTooMuch makes an app end for want of memory.
func eatTooMuch(t *testing.T, address string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s:8080/eat?mib=200", address), nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := http.DefaultClient.Do(request); err == nil {
		_ = answer.Body.Close()
		t.Errorf("it ate more than it may have, and answers %s", answer.Status)
	}
}
