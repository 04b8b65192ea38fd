package docker

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/image"
)

// platform is what an image is built for, as images say it: "linux", "arm64".
type platform struct{ os, arch string }

// foreignError refuses an image that was built for other machines.
type foreignError struct{ text string }

func (e *foreignError) Error() string { return e.text }

// checkPlatform refuses an image none of whose platforms the engine runs. Docker does so by itself for an index, but takes a
// single image for whatever it is and lets its containers fail. Platforms that say nothing are believed.
func (e *Engine) checkPlatform(ctx context.Context, ref string, built []platform) error {
	runs := func(arch string) bool {
		return len(built) == 0 || slices.ContainsFunc(built, func(p platform) bool { return p.on(arch) })
	}
	if runs(runtime.GOARCH) { // nearly always the engine's, which is asked only in doubt
		return nil
	}
	arch := ""
	err := e.ask(ctx, "read the engine's version", func(ctx context.Context) error {
		version, err := e.api.ServerVersion(ctx)
		arch = version.Arch
		return err
	})
	if err != nil || runs(arch) {
		return err
	}
	return &foreignError{fmt.Sprintf("image %s is built for %s, and this machine is linux/%s; build it for this machine's platform too (docker buildx build --platform linux/%[3]s)",
		ref, listed(built), arch)}
}

// on reports whether a Linux machine of an architecture runs a platform: its own, and the 32-bit one before it.
func (p platform) on(arch string) bool {
	before := map[string]string{"amd64": "386", "arm64": "arm"}
	return (p.os == "" || p.os == "linux") && (p.arch == "" || p.arch == arch || p.arch == before[arch])
}

func listed(all []platform) string {
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = p.os + "/" + p.arch
	}
	return strings.Join(texts, ", ")
}

func platformOf(i image.InspectResponse) []platform { return []platform{{i.Os, i.Architecture}} }

// announcedPlatform asks the registry, through the engine, what an image that is being pulled is built for. Registries that
// do not tell, and engines that may not ask, leave it to the look at what was pulled.
func (e *Engine) announcedPlatform(ctx context.Context, s source) error {
	auth, err := e.credentials(s.registry)
	if err != nil {
		return nil
	}
	found, err := e.api.DistributionInspect(ctx, s.ref, auth)
	if err != nil {
		e.unanswered("the platform of "+s.ref, err)
		return nil
	}
	var built []platform
	for _, p := range found.Platforms {
		built = append(built, platform{p.OS, p.Architecture})
	}
	return e.checkPlatform(ctx, s.ref, built)
}
