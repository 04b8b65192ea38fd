package docker_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/oklog/ulid/v2"

	"fisherman/deployer"
)

func containersAreMadeByTheContract(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	r.Service.Environment = map[string]deployer.Secret{"VERSION": deployer.Plain("7"), "A": deployer.Plain("b=c")}
	r.Service.Args = []string{"ignored"}
	r.Service.Stop = 1500 * time.Millisecond
	b.start(t, r)
	found := b.inspect(t, b.container(r, 0))
	if got := found.HostConfig.RestartPolicy.Name; got != "no" {
		t.Errorf("restart policy before it is healthy: %q, want no", got)
	}
	replicas, err := b.Await(t.Context(), r, silent)
	if err != nil {
		t.Fatal(err)
	}
	found = b.inspect(t, replicas[0].Container)
	if got := found.HostConfig.RestartPolicy.Name; got != "unless-stopped" {
		t.Errorf("restart policy once it is healthy: %q, want unless-stopped", got)
	}
	for label, want := range map[string]string{
		"fisherman.service": r.Service.Name, "fisherman.deployment": r.ID, "fisherman.digest": r.Digest,
		"fisherman.network": b.network, "fisherman.spec": r.Service.Spec(),
	} {
		if got := found.Config.Labels[label]; got != want {
			t.Errorf("label %s is %q, want %q", label, got, want)
		}
	}
	logs := found.HostConfig.LogConfig
	if logs.Type != "json-file" || logs.Config["max-size"] != "10m" || logs.Config["max-file"] != "3" {
		t.Errorf("logs are kept as %+v, want json-file, 10 MB × 3", logs)
	}
	if len(found.NetworkSettings.Networks) != 1 || found.NetworkSettings.Networks[b.network].IPAddress != replicas[0].Address {
		t.Errorf("networks are %v, want %s alone with address %s", found.NetworkSettings.Networks, b.network, replicas[0].Address)
	}
	if !slices.Contains(found.Config.Env, "A=b=c") || !slices.Equal(found.Config.Cmd, r.Service.Args) || *found.Config.StopTimeout != 2 {
		t.Errorf("made with %v, %v, %d s; want the service's environment, args and stop time rounded up", found.Config.Env, found.Config.Cmd, *found.Config.StopTimeout)
	}
}

func haltAsksFirst(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	b.live(t, r)
	if err := b.Halt(t.Context(), r.ID, 0); err != nil {
		t.Fatal(err)
	}
	logs, err := b.Logs(t.Context(), r.ID, deployer.LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(logs)
	if err = errors.Join(err, logs.Close()); err != nil || !strings.Contains(string(text), "got SIGTERM with 0 in flight") {
		t.Errorf("halted, it said %q, %v; want that it got SIGTERM", text, err)
	}
}

func retireEndsACrashLoop(t *testing.T, b *bench) {
	r := b.release(b.push(t, "EXIT=1"))
	b.start(t, r)
	name := b.container(r, 0)
	_, _ = b.Await(t.Context(), r, silent) // until it has exited
	always := container.UpdateConfig{RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyUnlessStopped}}
	if _, err := b.api.ContainerUpdate(t.Context(), name, always); err != nil {
		t.Fatal(err)
	}
	_ = b.api.ContainerStart(t.Context(), name, container.StartOptions{})
	if err := b.Retire(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.api.ContainerInspect(t.Context(), name); !cerrdefs.IsNotFound(err) {
		t.Errorf("retired, the container is still there (%v)", err)
	}
}

// What was live and is started again by us is still the engine's to restart.
func startAgainKeepsTheRestartPolicy(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	id := b.live(t, r)[0].Container
	if err := errors.Join(b.Halt(t.Context(), r.ID, 0), b.Start(t.Context(), r)); err != nil {
		t.Fatal(err)
	}
	if got := b.inspect(t, id).HostConfig.RestartPolicy.Name; got != "unless-stopped" {
		t.Errorf("restart policy is %q, want unless-stopped", got)
	}
}

func onlyOurNetworkIsTouched(t *testing.T, ours *bench) {
	theirs := ours.elsewhere(t)
	r := theirs.release(theirs.push(t))
	theirs.live(t, r)
	ctx := t.Context()
	if err := errors.Join(ours.Halt(ctx, r.ID, 0), ours.Retire(ctx, r.ID), ours.Clean(ctx, r.Service.Name, nil)); err != nil {
		t.Fatal(err)
	}
	if all, err := ours.Releases(ctx); err != nil || slices.ContainsFunc(all, func(a deployer.Running) bool { return a.ID == r.ID }) {
		t.Errorf("ours lists %+v, %v; want none of theirs", all, err)
	}
	if all, err := theirs.Releases(ctx); err != nil || len(all) != 1 || !all[0].Up(1) {
		t.Errorf("theirs lists %+v, %v; want its release to run", all, err)
	}
	if !slices.Contains(theirs.tags(t, "fisherman/"+r.Service.Name), r.ID) {
		t.Error("theirs lost its retained image")
	}
}

func startRefusesAForeignName(t *testing.T, b *bench) { refusesAForeignName(t, b, b.Start) }

// What cannot be made is known before anything is stopped for it.
func makeRefusesAForeignName(t *testing.T, b *bench) { refusesAForeignName(t, b, b.Make) }

func refusesAForeignName(t *testing.T, b *bench, begin func(context.Context, deployer.Release) error) {
	t.Helper()
	r := b.release(b.push(t))
	b.pull(t, r)
	name := b.container(r, 0)
	made, err := b.api.ContainerCreate(t.Context(), &container.Config{Image: "fisherman/" + r.Service.Name + ":" + r.ID}, nil, nil, nil, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = b.api.ContainerRemove(context.Background(), made.ID, container.RemoveOptions{Force: true})
	})
	if err := begin(t.Context(), r); err == nil || !strings.Contains(err.Error(), "not fisherman's") {
		t.Errorf("begun with %v, want that the name is taken", err)
	}
	b.inspect(t, made.ID) // still there
}

func startWithoutAnImageSaysSo(t *testing.T, b *bench) {
	r := b.release("sha256:" + strings.Repeat("0", 64))
	r.ID = ulid.Make().String()
	err := b.Start(t.Context(), r)
	if err == nil || errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), "fisherman/"+r.Service.Name+":"+r.ID) {
		t.Errorf("started with %v, want a final error that names the image", err)
	}
}
