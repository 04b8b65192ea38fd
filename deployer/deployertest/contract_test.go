package deployertest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func TestFakeKeepsTheContract(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	fake := deployertest.NewFake()
	fake.On("sha256:good", deployertest.Script{Revision: commit, Once: deployertest.Step{Delay: time.Millisecond}})
	exits, hangs := deployertest.Step{Err: errors.New("exited with code 3: no database")}, deployertest.Step{Hold: make(chan struct{})}
	fake.On("sha256:exits", deployertest.Script{Await: exits, Once: exits})
	fake.On("sha256:sick", deployertest.Script{Await: hangs, Once: hangs})
	deployertest.TestRuntime(t, deployertest.Rig{
		Runtime: fake,
		Service: deployer.Service{Health: deployer.Health{Deadline: time.Minute}},
		Good:    "sha256:good", Next: "sha256:next", Sick: "sha256:sick", Exits: "sha256:exits",
		Saves: "hello", Says: "hello", LastLine: "no database", Revision: commit,
		Crash:    func(_ *testing.T, r deployer.Release) { fake.Crash(r) },
		Retained: func(_ *testing.T, service string) []string { return fake.Images(service) },
		Tasks:    func(_ *testing.T, service string) int { return fake.Tasks(service) },
		Leave: func(t *testing.T, r deployer.Release) {
			ctx, cancel := context.WithCancel(context.Background())
			t.Cleanup(cancel)
			begun := make(chan struct{})
			go func() { _ = fake.RunOnce(ctx, r, "before", nil, func(string) { close(begun) }) }()
			<-begun
			fake.Abandon(r.Service.Name)
		},
	})
}
