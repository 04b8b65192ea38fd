package deployertest_test

import (
	"errors"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func TestFakeKeepsTheContract(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	fake := deployertest.NewFake()
	fake.On("sha256:good", deployertest.Script{Revision: commit})
	fake.On("sha256:exits", deployertest.Script{Await: deployertest.Step{Err: errors.New("exited with code 3: no database")}})
	fake.On("sha256:sick", deployertest.Script{Await: deployertest.Step{Hold: make(chan struct{})}})
	deployertest.TestRuntime(t, deployertest.Rig{
		Runtime: fake,
		Service: deployer.Service{Health: deployer.Health{Deadline: time.Minute}},
		Good:    "sha256:good", Next: "sha256:next", Sick: "sha256:sick", Exits: "sha256:exits",
		Says: "hello", LastLine: "no database", Revision: commit,
		Crash:    func(_ *testing.T, r deployer.Release) { fake.Crash(r) },
		Retained: func(_ *testing.T, service string) []string { return fake.Images(service) },
	})
}
