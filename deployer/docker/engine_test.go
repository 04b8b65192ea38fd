package docker_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/network"

	"fisherman/deployer"
	"fisherman/deployer/docker"
)

// TestEngine runs side by side what needs Docker: the engine is slow to start a container, and not to start two.
func TestEngine(t *testing.T) {
	b := newBench(t)
	for name, test := range map[string]func(*testing.T, *bench){
		"keeps the contract":                             keepsTheContract,
		"containers are made by the contract":            containersAreMadeByTheContract,
		"halt asks first":                                haltAsksFirst,
		"retire ends a crash loop":                       retireEndsACrashLoop,
		"start again keeps the restart policy":           startAgainKeepsTheRestartPolicy,
		"start refuses a foreign name":                   startRefusesAForeignName,
		"start without an image says so":                 startWithoutAnImageSaysSo,
		"only our network is touched":                    onlyOurNetworkIsTouched,
		"await asks in the contract's order":             awaitAsksInTheContractsOrder,
		"restarts are counted and told":                  restartsAreCountedAndTold,
		"followed logs outlive a crash":                  followedLogsOutliveACrash,
		"retained releases start":                        retainedReleasesStart,
		"limits are held":                                limitsAreHeld,
		"a container is what its keys say":               aContainerIsWhatItsKeysSay,
		"an out-of-memory kill is named":                 anOutOfMemoryKillIsNamed,
		"what runs once is made like the service":        whatRunsOnceIsMadeLikeTheService,
		"a hosts file is mounted":                        hostsFileIsMounted,
		"hosts files go with their containers":           hostsFilesGoWithTheirContainers,
		"no hosts file where the engine sees none":       noHostsFileWhereTheEngineSeesNone,
		"what runs once is asked to stop first":          whatRunsOnceIsAskedToStopFirst,
		"what runs once keeps no program from its end":   whatRunsOnceKeepsNoProgramFromItsEnd,
		"what runs once names an out-of-memory kill":     whatRunsOnceNamesAnOutOfMemoryKill,
		"volumes are mounted and kept":                   volumesAreMountedAndKept,
		"a missing path is not made":                     aMissingPathIsNotMade,
		"files are part of the container":                filesArePartOfTheContainer,
		"a directory is not a file":                      aDirectoryIsNotAFile,
		"what a crash left is made anew first":           whatACrashLeftIsMadeAnewFirst,
		"make refuses a foreign name":                    makeRefusesAForeignName,
		"ports lead to the container":                    portsLeadToTheContainer,
		"a stuck container does not hold up the listing": aStuckContainerDoesNotHoldUpTheListing,
		"a stuck end hides no other":                     aStuckEndHidesNoOther,
		"an address is its container's until that ends":  anAddressIsItsContainersUntilThatEnds,
		"a taken port is named":                          aTakenPortIsNamed,
		"prober asks what await asks":                    proberAsksWhatAwaitAsks,
		"prober needs no image":                          proberNeedsNoImage,
		"halt gives no more than its grace":              haltGivesNoMoreThanItsGrace,
		"halt outlives its caller":                       haltOutlivesItsCaller,
		"a lost engine is unavailable":                   aLostEngineIsUnavailable,
		"a frozen engine keeps nobody":                   aFrozenEngineKeepsNobody,
		"a HEALTHCHECK without an engine says nothing":   aHealthcheckWithoutAnEngineSaysNothing,
		"await outlives no engine":                       awaitOutlivesNoEngine,
		"an engine that comes back is understood":        anEngineThatComesBackIsUnderstood,
		"a pull that nobody wants is cut off":            aPullThatNobodyWantsIsCutOff,
		"preflight refuses a full disk":                  preflightRefusesAFullDisk,
		"preflight refuses what memory cannot hold":      preflightRefusesWhatMemoryCannotHold,
		"preflight counts what runs already":             preflightCountsWhatRunsAlready,
		"preflight asks no registry":                     preflightAsksNoRegistry,
		"pull refuses another platform":                  pullRefusesAnotherPlatform,
		"an interrupted pull leaves nothing":             anInterruptedPullLeavesNothing,
		"await waits for a slow boot":                    awaitWaitsForASlowBoot,
		"await names the replica that exited":            awaitNamesTheReplicaThatExited,
		"clean frees the disk":                           cleanFreesTheDisk,
		"clean leaves what is used":                      cleanLeavesWhatIsUsed,
		"clean leaves what others tagged":                cleanLeavesWhatOthersTagged,
		"pull takes only what is missing":                pullTakesOnlyWhatIsMissing,
		"pull logs in":                                   pullLogsIn,
		"pull prefers the mirror":                        pullPrefersTheMirror,
		"pull says whether another try may help":         pullSaysWhetherAnotherTryMayHelp,
		"pull ends with its context":                     pullEndsWithItsContext,
		"a rollback needs no registry":                   rollbackNeedsNoRegistry,
		"one server per network":                         oneServerPerNetwork,
		"a network of others is used and left":           networkOfOthersIsUsedAndLeft,
		"the network is made once and removed":           networkIsMadeOnceAndRemoved,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}

func TestWithoutAnEngineEverythingIsUnavailable(t *testing.T) {
	t.Parallel()
	engine, err := docker.New(docker.Options{Host: "unix:///nowhere/docker.sock"})
	if err != nil {
		t.Fatal(err)
	}
	r := (&bench{}).release("sha256:aa")
	r.Service.Image = "ghcr.io/o/web"
	for name, call := range map[string]func(context.Context) error{
		"ping":     engine.Ping,
		"ready":    engine.Ready,
		"lock":     func(ctx context.Context) error { _, err := engine.Lock(ctx); return err },
		"pull":     func(ctx context.Context) error { _, err := engine.Pull(ctx, r, silent); return err },
		"start":    func(ctx context.Context) error { return engine.Start(ctx, r) },
		"await":    func(ctx context.Context) error { _, err := engine.Await(ctx, r, silent); return err },
		"halt":     func(ctx context.Context) error { return engine.Halt(ctx, r.ID, 0) },
		"retire":   func(ctx context.Context) error { return engine.Retire(ctx, r.ID) },
		"clean":    func(ctx context.Context) error { return engine.Clean(ctx, "web", nil) },
		"releases": func(ctx context.Context) error { _, err := engine.Releases(ctx); return err },
		"run once": func(ctx context.Context) error { return engine.RunOnce(ctx, r, "before", nil, func(string) {}) },
		"sweep":    engine.Sweep,
		"watch":    func(ctx context.Context) error { return engine.Watch(ctx, func(string, string) {}) },
		"logs": func(ctx context.Context) error {
			_, err := engine.Logs(ctx, r.ID, deployer.LogOptions{})
			return err
		},
	} {
		err := call(t.Context())
		if !errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), "Docker does not answer at unix:///nowhere/docker.sock; is it running") {
			t.Errorf("%s: %v, want that Docker does not answer", name, err)
		}
	}
}

func oneServerPerNetwork(t *testing.T, b *bench) {
	claim, err := b.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again := b.engine(t, docker.Options{Network: b.network})
	if _, err := again.Lock(t.Context()); err == nil || !strings.Contains(err.Error(), b.network) {
		t.Errorf("a second lock: %v, want a refusal that names the network", err)
	}
	if err := claim.Close(); err != nil {
		t.Fatal(err)
	}
	claim, err = again.Lock(t.Context())
	if err != nil {
		t.Fatalf("the claim was given back, still: %v", err)
	}
	_ = claim.Close()
}

func networkOfOthersIsUsedAndLeft(t *testing.T, b *bench) {
	theirs := b.network + "-theirs"
	if _, err := b.api.NetworkCreate(t.Context(), theirs, network.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.api.NetworkRemove(context.Background(), theirs) })
	engine := b.engine(t, docker.Options{Network: theirs})
	if err := errors.Join(engine.Ready(t.Context()), engine.Purge(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := b.api.NetworkInspect(t.Context(), theirs, network.InspectOptions{}); err != nil {
		t.Errorf("the network that was there before: %v", err)
	}
}

func networkIsMadeOnceAndRemoved(t *testing.T, b *bench) {
	b = b.elsewhere(t)
	made, err := b.api.NetworkInspect(t.Context(), b.network, network.InspectOptions{})
	if err != nil || made.Labels["fisherman.network"] != b.network {
		t.Fatalf("made %+v, %v; want our label", made.Labels, err)
	}
	if err := b.Ready(t.Context()); err != nil {
		t.Errorf("ready again: %v", err)
	}
	for range 2 {
		if err := b.RemoveNetwork(t.Context()); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	if _, err := b.api.NetworkInspect(t.Context(), b.network, network.InspectOptions{}); err == nil {
		t.Error("the network is still there")
	}
}
