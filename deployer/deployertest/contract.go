package deployertest

import (
	"context"
	"slices"
	"testing"

	"github.com/oklog/ulid/v2"

	"fisherman/deployer"
)

// Rig is a Runtime with nothing on it, and what the suite needs to make it show its behaviour.
type Rig struct {
	Runtime deployer.Runtime
	Service deployer.Service // healthy soon after the start of a good digest

	Good, Next string // digests that become healthy
	Sick       string // runs but never becomes healthy
	Exits      string // prints LastLine and exits with code 3

	Task  []string // what ends well when Good is run once with it, and prints Saves
	Saves string

	Says     string // a line of Good's output
	LastLine string
	Revision string // Good's label

	Crash    func(t *testing.T, r deployer.Release)            // leaves what a crash inside Start of a pulled release leaves
	Retained func(t *testing.T, service string) (ids []string) // the deployments whose images are kept
	Leave    func(t *testing.T, r deployer.Release)            // leaves what a crash inside RunOnce of a pulled release leaves: a container that runs
	Tasks    func(t *testing.T, service string) int            // the containers of RunOnce that there are
}

// TestRuntime holds a Runtime to the promises of deployer.Runtime.
func TestRuntime(t *testing.T, rig Rig) {
	for name, test := range map[string]func(*testing.T, Rig){
		"a release is pulled, started and awaited":       goesLive,
		"two releases of a service run side by side":     sideBySide,
		"halt keeps the containers, start resumes them":  haltAndResume,
		"what is live is started again as it was made":   resumeAsItWas,
		"retire removes, and again is no error":          retireTwice,
		"start replaces what a crash left half-made":     startAfterCrash,
		"start takes what was made as it is":             makeFirst,
		"make replaces what a crash left half-made":      makeAfterCrash,
		"start twice is start once":                      startTwice,
		"await names exit code and last lines":           awaitExit,
		"await gives up at the health deadline":          awaitDeadline,
		"await ends with its context":                    awaitCancelled,
		"what is unknown is not found, or nothing to do": unknown,
		"logs tell replicas apart":                       readLogs,
		"logs begin where they are asked to":             logsSince,
		"followed logs end with their context":           followLogs,
		"watch tells of starts and ends":                 watch,
		"clean forgets what is not kept":                 clean,
		"a rollback uses the retained image":             rollBack,
		"what is retained is listed":                     listRetained,
		"preflight lets pass what fits":                  preflight,
		"what does not run says why":                     sayWhyEnded,
		"probes tell the well from the ended":            probe,
		"halt with a grace stops":                        haltWithGrace,
		"what the engine never started again is counted": countRestarts,
		"what runs once tells what it says, and is gone": runOnce,
		"what runs once and fails says why":              runOnceFails,
		"what runs once ends with its context":           runOnceCancelled,
		"what runs once is no replica":                   runOnceIsNoReplica,
		"what a crash left of it is swept":               sweep,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, rig) })
	}
}

// release makes a release of its own service, so that tests do not see each other's, and retires it at the end.
func (rig Rig) release(t *testing.T, service, digest string) deployer.Release {
	t.Helper()
	r := deployer.Release{ID: ulid.Make().String(), Service: rig.Service, Digest: digest}
	r.Service.Name, r.Service.Replicas = service, 1
	t.Cleanup(func() {
		if err := rig.Runtime.Retire(context.Background(), r.ID); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return r
}

func (rig Rig) pull(t *testing.T, r deployer.Release) deployer.Image {
	t.Helper()
	image, err := rig.Runtime.Pull(t.Context(), r, func(deployer.Report) {})
	if err != nil {
		t.Fatalf("pull: %v", err)
	}
	return image
}

func (rig Rig) start(t *testing.T, r deployer.Release) {
	t.Helper()
	rig.pull(t, r)
	if err := rig.Runtime.Start(t.Context(), r); err != nil {
		t.Fatalf("start: %v", err)
	}
}

func (rig Rig) await(t *testing.T, r deployer.Release) []deployer.Replica {
	t.Helper()
	replicas, err := rig.Runtime.Await(t.Context(), r, func(deployer.Report) {})
	if err != nil {
		t.Fatalf("await: %v", err)
	}
	return replicas
}

// find returns a release as the runtime lists it, and whether it does.
func (rig Rig) find(t *testing.T, id string) (deployer.Running, bool) {
	t.Helper()
	all, err := rig.Runtime.Releases(t.Context())
	if err != nil {
		t.Fatalf("releases: %v", err)
	}
	i := slices.IndexFunc(all, func(r deployer.Running) bool { return r.ID == id })
	if i < 0 {
		return deployer.Running{}, false
	}
	return all[i], true
}
