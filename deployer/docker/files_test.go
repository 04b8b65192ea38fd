package docker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"fisherman/deployer"
)

// filesArePartOfTheContainer: the app reads them as they were configured, after each start, and nobody finds them elsewhere.
func filesArePartOfTheContainer(t *testing.T, b *bench) {
	const secret = "hunter2\n\x00 binary, too"
	r := b.release(b.push(t))
	r.Service.User = "1000:1001" // what is missing on the way to a file can be passed by everybody
	r.Service.Files = []deployer.File{
		{Target: "/etc/deep/below/app.conf", Mode: 0o444, Content: deployer.Plain(secret)},
		{Target: "/run/private", Mode: 0o400, UID: 1000, GID: 1001, Content: deployer.Plain("")},
		{Target: "/tmp/tool", Mode: 0o755, Content: deployer.Plain("#!")},
	}
	replicas := b.live(t, r)
	want := map[string]string{
		"/etc/deep/below/app.conf": "444 0:0 " + secret, "/run/private": "400 1000:1001 ", "/tmp/tool": "755 0:0 #!",
	}
	for path, content := range want {
		if got := ask(t, replicas[0].Address, path); got != content {
			t.Errorf("%s is %q, want %q", path, got, content)
		}
	}
	described, err := json.Marshal(b.inspect(t, b.container(r, 0)))
	if err != nil || strings.Contains(string(described), "hunter2") {
		t.Errorf("the container's description shows the content, or %v", err)
	}

	// Halted, as for `recreate`, and started again with a configuration that has no files any more: it is as it was made.
	if err := b.Halt(t.Context(), r.ID, 0); err != nil {
		t.Fatal(err)
	}
	r.Spec, r.Service.Files = r.Service.Spec(), nil
	replicas = b.live(t, r)
	if got := ask(t, replicas[0].Address, "/etc/deep/below/app.conf"); got != want["/etc/deep/below/app.conf"] {
		t.Errorf("after another start it is %q", got)
	}
}

// aDirectoryIsNotAFile: what would replace a whole directory of the image is refused.
func aDirectoryIsNotAFile(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	r.Service.Files = []deployer.File{{Target: "/etc", Mode: 0o444, Content: deployer.Plain("x")}}
	b.pull(t, r)
	err := b.Start(t.Context(), r)
	if err == nil || errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), "write the path of a file in it") {
		t.Errorf("started with %v, want a final error with a remedy", err)
	}
	left, err := b.api.ContainerInspect(context.Background(), b.container(r, 0))
	if err == nil && left.State.Status != container.StateCreated {
		t.Errorf("the container is %s", left.State.Status)
	}
}

// whatACrashLeftIsMadeAnewFirst: under the replica's name is a container without its files. Make does not take it for one that can be
// started, so that it fails of the files before what runs is stopped. Mutant: Make that takes any name in use for made.
func whatACrashLeftIsMadeAnewFirst(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	r.Service.Files = []deployer.File{{Target: "/etc", Mode: 0o444, Content: deployer.Plain("x")}}
	b.pull(t, r)
	b.crash(t, r)
	for range 2 { // the first one leaves such a container, too
		if err := b.Make(t.Context(), r); err == nil || !strings.Contains(err.Error(), "write the path of a file in it") {
			t.Errorf("made with %v, want what Start would fail of", err)
		}
	}
	r.Service.Files[0].Target = "/etc/app.conf"
	if err := b.Make(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	made := b.inspect(t, b.container(r, 0))
	if replicas := b.live(t, r); replicas[0].Container != made.ID || ask(t, replicas[0].Address, "/etc/app.conf") != "444 0:0 x" {
		t.Errorf("%+v runs, want %s with its file", replicas, made.ID)
	}
}

// ask has the app read a file of its container.
func ask(t *testing.T, address, path string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s:8080/file?path=%s", address, url.QueryEscape(path)), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
